"""The rules of runs whose workflow is Python code: what it asks for becomes steps, and it is told how they end.

`follow` lets the code go on, `calls` begins what it asked for, `steps` ends it.
"""

from stepwell.kernel.code.follow import follow as follow
from stepwell.kernel.code.follow import obey as obey
from stepwell.kernel.code.signals import receive as receive
from stepwell.kernel.code.steps import complete_step as complete_step
from stepwell.kernel.code.steps import defer_step as defer_step
from stepwell.kernel.code.steps import fail_step as fail_step
from stepwell.kernel.code.steps import recover as recover
from stepwell.kernel.code.steps import time_out as time_out
from stepwell.kernel.code.steps import time_out_attempt as time_out_attempt
from stepwell.kernel.code.steps import wake as wake
from stepwell.kernel.code.straight import RUN_STARTED as RUN_STARTED
from stepwell.kernel.code.straight import Straight as Straight
from stepwell.kernel.code.straight import at_once as at_once
from stepwell.kernel.code.straight import effects_of as effects_of
from stepwell.kernel.code.straight import events_of as events_of
