"""What has happened: the facts of a run's journal, and their names.

An event says what a reader needs to understand it; what is implied by the events before it is left out (a step whose
input is simply what the previous one gave does not repeat it: `input` is then `SAME`). The names are a public
contract: they appear in the journal, in logs, in observers and on screen, and never change their meaning.
"""

from __future__ import annotations

from typing import Any, Final

from stepwell.model.events.approvals import ApprovalDecided as ApprovalDecided
from stepwell.model.events.approvals import ApprovalDelegated as ApprovalDelegated
from stepwell.model.events.approvals import ApprovalExpired as ApprovalExpired
from stepwell.model.events.approvals import ApprovalRequested as ApprovalRequested
from stepwell.model.events.approvals import StepApproved as StepApproved
from stepwell.model.events.names import APPROVAL_DECIDED as APPROVAL_DECIDED
from stepwell.model.events.names import APPROVAL_DELEGATED as APPROVAL_DELEGATED
from stepwell.model.events.names import APPROVAL_EXPIRED as APPROVAL_EXPIRED
from stepwell.model.events.names import APPROVAL_REQUESTED as APPROVAL_REQUESTED
from stepwell.model.events.names import ATTRIBUTES_SET as ATTRIBUTES_SET
from stepwell.model.events.names import CONTEXT_SET as CONTEXT_SET
from stepwell.model.events.names import FIELDS_SET as FIELDS_SET
from stepwell.model.events.names import FOLLOW_UP_ORDERED as FOLLOW_UP_ORDERED
from stepwell.model.events.names import RUN_CANCELLED as RUN_CANCELLED
from stepwell.model.events.names import RUN_CANCELLING as RUN_CANCELLING
from stepwell.model.events.names import RUN_COMPENSATING as RUN_COMPENSATING
from stepwell.model.events.names import RUN_COMPLETED as RUN_COMPLETED
from stepwell.model.events.names import RUN_CONTINUED as RUN_CONTINUED
from stepwell.model.events.names import RUN_CREATED as RUN_CREATED
from stepwell.model.events.names import RUN_FAILED as RUN_FAILED
from stepwell.model.events.names import RUN_METADATA_SET as RUN_METADATA_SET
from stepwell.model.events.names import RUN_MIGRATED as RUN_MIGRATED
from stepwell.model.events.names import RUN_OVERDUE as RUN_OVERDUE
from stepwell.model.events.names import RUN_PAUSED as RUN_PAUSED
from stepwell.model.events.names import RUN_PAUSING as RUN_PAUSING
from stepwell.model.events.names import RUN_RESCHEDULED as RUN_RESCHEDULED
from stepwell.model.events.names import RUN_RESUMED as RUN_RESUMED
from stepwell.model.events.names import RUN_RETRIED as RUN_RETRIED
from stepwell.model.events.names import RUN_STALLED as RUN_STALLED
from stepwell.model.events.names import RUN_STARTED as RUN_STARTED
from stepwell.model.events.names import RUN_TERMINATED as RUN_TERMINATED
from stepwell.model.events.names import RUN_TIMED_OUT as RUN_TIMED_OUT
from stepwell.model.events.names import RUN_UNSTALLED as RUN_UNSTALLED
from stepwell.model.events.names import SCOPE_CLOSED as SCOPE_CLOSED
from stepwell.model.events.names import SCOPE_OPENED as SCOPE_OPENED
from stepwell.model.events.names import SIGNAL_RECEIVED as SIGNAL_RECEIVED
from stepwell.model.events.names import SIGNAL_TAKEN as SIGNAL_TAKEN
from stepwell.model.events.names import STEP_ACTION_FAILED as STEP_ACTION_FAILED
from stepwell.model.events.names import STEP_APPROVED as STEP_APPROVED
from stepwell.model.events.names import STEP_ASSIGNED as STEP_ASSIGNED
from stepwell.model.events.names import STEP_AUTO_PROCEED_SET as STEP_AUTO_PROCEED_SET
from stepwell.model.events.names import STEP_CANCELLED as STEP_CANCELLED
from stepwell.model.events.names import STEP_CAPTURED as STEP_CAPTURED
from stepwell.model.events.names import STEP_CLAIM_EXTENDED as STEP_CLAIM_EXTENDED
from stepwell.model.events.names import STEP_CLAIMED as STEP_CLAIMED
from stepwell.model.events.names import STEP_COMPLETED as STEP_COMPLETED
from stepwell.model.events.names import STEP_CONDITION_MOVED as STEP_CONDITION_MOVED
from stepwell.model.events.names import STEP_DEFERRED as STEP_DEFERRED
from stepwell.model.events.names import STEP_FAILED as STEP_FAILED
from stepwell.model.events.names import STEP_NOTICED as STEP_NOTICED
from stepwell.model.events.names import STEP_OFFERED as STEP_OFFERED
from stepwell.model.events.names import STEP_OVERDUE as STEP_OVERDUE
from stepwell.model.events.names import STEP_PASSED as STEP_PASSED
from stepwell.model.events.names import STEP_PAUSED as STEP_PAUSED
from stepwell.model.events.names import STEP_PROGRESSED as STEP_PROGRESSED
from stepwell.model.events.names import STEP_RECOVERED as STEP_RECOVERED
from stepwell.model.events.names import STEP_RELEASED as STEP_RELEASED
from stepwell.model.events.names import STEP_REOPENED as STEP_REOPENED
from stepwell.model.events.names import STEP_REPEATED as STEP_REPEATED
from stepwell.model.events.names import STEP_RESTORED as STEP_RESTORED
from stepwell.model.events.names import STEP_RESUMED as STEP_RESUMED
from stepwell.model.events.names import STEP_RETRYING as STEP_RETRYING
from stepwell.model.events.names import STEP_SCHEDULED as STEP_SCHEDULED
from stepwell.model.events.names import STEP_SKIPPED as STEP_SKIPPED
from stepwell.model.events.names import STEP_STARTED as STEP_STARTED
from stepwell.model.events.names import STEP_SUBMITTED as STEP_SUBMITTED
from stepwell.model.events.names import STEP_TIMED_OUT as STEP_TIMED_OUT
from stepwell.model.events.names import STEP_TITLED as STEP_TITLED
from stepwell.model.events.names import STEP_VALUES_SET as STEP_VALUES_SET
from stepwell.model.events.names import STEP_WAITING as STEP_WAITING
from stepwell.model.events.names import STEP_WITHDRAWN as STEP_WITHDRAWN
from stepwell.model.events.names import STEPS_PLANNED as STEPS_PLANNED
from stepwell.model.events.names import STREAM_WRITTEN as STREAM_WRITTEN
from stepwell.model.events.names import TURN_SIGNED as TURN_SIGNED
from stepwell.model.events.names import VARIABLES_SET as VARIABLES_SET
from stepwell.model.events.people import FieldsSet as FieldsSet
from stepwell.model.events.people import StepActionFailed as StepActionFailed
from stepwell.model.events.people import StepAssigned as StepAssigned
from stepwell.model.events.people import StepAutoProceedSet as StepAutoProceedSet
from stepwell.model.events.people import StepCaptured as StepCaptured
from stepwell.model.events.people import StepConditionMoved as StepConditionMoved
from stepwell.model.events.people import StepNoticed as StepNoticed
from stepwell.model.events.people import StepOffered as StepOffered
from stepwell.model.events.people import StepPassed as StepPassed
from stepwell.model.events.people import StepRepeated as StepRepeated
from stepwell.model.events.people import StepRestored as StepRestored
from stepwell.model.events.people import StepsPlanned as StepsPlanned
from stepwell.model.events.people import StepSubmitted as StepSubmitted
from stepwell.model.events.people import StepTitled as StepTitled
from stepwell.model.events.people import StepValuesSet as StepValuesSet
from stepwell.model.events.people import TurnSigned as TurnSigned
from stepwell.model.events.run import AttributesSet as AttributesSet
from stepwell.model.events.run import ContextSet as ContextSet
from stepwell.model.events.run import FollowUpOrdered as FollowUpOrdered
from stepwell.model.events.run import RunCancelled as RunCancelled
from stepwell.model.events.run import RunCancelling as RunCancelling
from stepwell.model.events.run import RunCompensating as RunCompensating
from stepwell.model.events.run import RunCompleted as RunCompleted
from stepwell.model.events.run import RunContinued as RunContinued
from stepwell.model.events.run import RunCreated as RunCreated
from stepwell.model.events.run import RunFailed as RunFailed
from stepwell.model.events.run import RunMetadataSet as RunMetadataSet
from stepwell.model.events.run import RunMigrated as RunMigrated
from stepwell.model.events.run import RunOverdue as RunOverdue
from stepwell.model.events.run import RunPaused as RunPaused
from stepwell.model.events.run import RunPausing as RunPausing
from stepwell.model.events.run import RunRescheduled as RunRescheduled
from stepwell.model.events.run import RunResumed as RunResumed
from stepwell.model.events.run import RunRetried as RunRetried
from stepwell.model.events.run import RunStalled as RunStalled
from stepwell.model.events.run import RunStarted as RunStarted
from stepwell.model.events.run import RunTerminated as RunTerminated
from stepwell.model.events.run import RunTimedOut as RunTimedOut
from stepwell.model.events.run import RunUnstalled as RunUnstalled
from stepwell.model.events.run import ScopeClosed as ScopeClosed
from stepwell.model.events.run import ScopeOpened as ScopeOpened
from stepwell.model.events.run import SignalReceived as SignalReceived
from stepwell.model.events.run import SignalTaken as SignalTaken
from stepwell.model.events.run import StreamWritten as StreamWritten
from stepwell.model.events.run import VariablesSet as VariablesSet
from stepwell.model.events.same import SAME as SAME
from stepwell.model.events.same import MaybeSame as MaybeSame
from stepwell.model.events.same import Same as Same
from stepwell.model.events.step import StepCancelled as StepCancelled
from stepwell.model.events.step import StepClaimed as StepClaimed
from stepwell.model.events.step import StepClaimExtended as StepClaimExtended
from stepwell.model.events.step import StepCompleted as StepCompleted
from stepwell.model.events.step import StepDeferred as StepDeferred
from stepwell.model.events.step import StepFailed as StepFailed
from stepwell.model.events.step import StepOverdue as StepOverdue
from stepwell.model.events.step import StepPaused as StepPaused
from stepwell.model.events.step import StepProgressed as StepProgressed
from stepwell.model.events.step import StepRecovered as StepRecovered
from stepwell.model.events.step import StepReleased as StepReleased
from stepwell.model.events.step import StepReopened as StepReopened
from stepwell.model.events.step import StepResumed as StepResumed
from stepwell.model.events.step import StepRetrying as StepRetrying
from stepwell.model.events.step import StepScheduled as StepScheduled
from stepwell.model.events.step import StepSkipped as StepSkipped
from stepwell.model.events.step import StepStarted as StepStarted
from stepwell.model.events.step import StepTimedOut as StepTimedOut
from stepwell.model.events.step import StepWaiting as StepWaiting
from stepwell.model.events.step import StepWithdrawn as StepWithdrawn

Event = (
    RunCreated
    | RunStarted
    | RunRescheduled
    | RunPausing
    | RunPaused
    | RunResumed
    | RunCancelling
    | RunCompensating
    | RunCancelled
    | RunCompleted
    | RunFailed
    | RunTimedOut
    | RunTerminated
    | RunRetried
    | RunContinued
    | RunStalled
    | RunUnstalled
    | SignalReceived
    | SignalTaken
    | StreamWritten
    | FollowUpOrdered
    | ContextSet
    | VariablesSet
    | AttributesSet
    | RunOverdue
    | StepOverdue
    | RunMetadataSet
    | RunMigrated
    | ScopeOpened
    | ScopeClosed
    | StepScheduled
    | StepStarted
    | StepWaiting
    | StepPaused
    | StepReleased
    | StepRetrying
    | StepDeferred
    | StepRecovered
    | StepProgressed
    | StepCompleted
    | StepFailed
    | StepTimedOut
    | StepSkipped
    | StepCancelled
    | StepReopened
    | StepResumed
    | StepClaimed
    | StepClaimExtended
    | StepWithdrawn
    | TurnSigned
    | StepsPlanned
    | StepOffered
    | StepPassed
    | StepRestored
    | StepValuesSet
    | StepAutoProceedSet
    | StepSubmitted
    | StepConditionMoved
    | StepCaptured
    | StepActionFailed
    | StepNoticed
    | StepRepeated
    | StepAssigned
    | StepTitled
    | FieldsSet
    | ApprovalRequested
    | ApprovalDecided
    | ApprovalDelegated
    | ApprovalExpired
    | StepApproved
)

NAMES: Final[dict[type[Any], str]] = {
    RunCreated: RUN_CREATED,
    RunStarted: RUN_STARTED,
    RunRescheduled: RUN_RESCHEDULED,
    RunPausing: RUN_PAUSING,
    RunPaused: RUN_PAUSED,
    RunResumed: RUN_RESUMED,
    RunCancelling: RUN_CANCELLING,
    RunCompensating: RUN_COMPENSATING,
    RunCancelled: RUN_CANCELLED,
    RunCompleted: RUN_COMPLETED,
    RunFailed: RUN_FAILED,
    RunTimedOut: RUN_TIMED_OUT,
    RunTerminated: RUN_TERMINATED,
    RunRetried: RUN_RETRIED,
    RunContinued: RUN_CONTINUED,
    RunStalled: RUN_STALLED,
    RunUnstalled: RUN_UNSTALLED,
    SignalReceived: SIGNAL_RECEIVED,
    SignalTaken: SIGNAL_TAKEN,
    StreamWritten: STREAM_WRITTEN,
    FollowUpOrdered: FOLLOW_UP_ORDERED,
    ContextSet: CONTEXT_SET,
    VariablesSet: VARIABLES_SET,
    AttributesSet: ATTRIBUTES_SET,
    RunOverdue: RUN_OVERDUE,
    StepOverdue: STEP_OVERDUE,
    RunMetadataSet: RUN_METADATA_SET,
    RunMigrated: RUN_MIGRATED,
    ScopeOpened: SCOPE_OPENED,
    ScopeClosed: SCOPE_CLOSED,
    StepScheduled: STEP_SCHEDULED,
    StepStarted: STEP_STARTED,
    StepWaiting: STEP_WAITING,
    StepPaused: STEP_PAUSED,
    StepReleased: STEP_RELEASED,
    StepRetrying: STEP_RETRYING,
    StepDeferred: STEP_DEFERRED,
    StepRecovered: STEP_RECOVERED,
    StepProgressed: STEP_PROGRESSED,
    StepCompleted: STEP_COMPLETED,
    StepFailed: STEP_FAILED,
    StepTimedOut: STEP_TIMED_OUT,
    StepSkipped: STEP_SKIPPED,
    StepCancelled: STEP_CANCELLED,
    StepReopened: STEP_REOPENED,
    StepResumed: STEP_RESUMED,
    StepClaimed: STEP_CLAIMED,
    StepClaimExtended: STEP_CLAIM_EXTENDED,
    StepWithdrawn: STEP_WITHDRAWN,
    TurnSigned: TURN_SIGNED,
    StepsPlanned: STEPS_PLANNED,
    StepOffered: STEP_OFFERED,
    StepPassed: STEP_PASSED,
    StepRestored: STEP_RESTORED,
    StepValuesSet: STEP_VALUES_SET,
    StepAutoProceedSet: STEP_AUTO_PROCEED_SET,
    StepSubmitted: STEP_SUBMITTED,
    StepConditionMoved: STEP_CONDITION_MOVED,
    StepCaptured: STEP_CAPTURED,
    StepActionFailed: STEP_ACTION_FAILED,
    StepNoticed: STEP_NOTICED,
    StepRepeated: STEP_REPEATED,
    StepAssigned: STEP_ASSIGNED,
    StepTitled: STEP_TITLED,
    FieldsSet: FIELDS_SET,
    ApprovalRequested: APPROVAL_REQUESTED,
    ApprovalDecided: APPROVAL_DECIDED,
    ApprovalDelegated: APPROVAL_DELEGATED,
    ApprovalExpired: APPROVAL_EXPIRED,
    StepApproved: STEP_APPROVED,
}
"""The name of every event class: what the journal writes as `type`."""
