"""What a workflow's code can say: `await flow.sleep(60)`, `await flow.gather(…)`, `flow.now()`, …

    from stepwell import flow, step, workflow
"""

from stepwell.code.verbs import Child as Child
from stepwell.code.verbs import RunInfo as RunInfo
from stepwell.code.verbs import close_stream as close_stream
from stepwell.code.verbs import continue_as_new as continue_as_new
from stepwell.code.verbs import gather as gather
from stepwell.code.verbs import info as info
from stepwell.code.verbs import inside as inside
from stepwell.code.verbs import map as map
from stepwell.code.verbs import now as now
from stepwell.code.verbs import on_failure as on_failure
from stepwell.code.verbs import patched as patched
from stepwell.code.verbs import race as race
from stepwell.code.verbs import random as random
from stepwell.code.verbs import run as run
from stepwell.code.verbs import set_event as set_event
from stepwell.code.verbs import sleep as sleep
from stepwell.code.verbs import start_child as start_child
from stepwell.code.verbs import uuid as uuid
from stepwell.code.verbs import wait_for_signal as wait_for_signal
from stepwell.code.verbs import wait_until as wait_until
from stepwell.code.verbs import write_stream as write_stream
