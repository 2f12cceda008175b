"""Which events tell what somebody asked for: the rest of a turn is what came of it."""

from __future__ import annotations

from typing import Any, Final

from stepwell.model import events as e

ASKED_FOR: Final[frozenset[type[Any]]] = frozenset(
    {
        e.RunCreated,
        e.RunStarted,
        e.RunPausing,
        e.RunResumed,
        e.RunCancelling,
        e.RunTerminated,
        e.RunRetried,
        e.RunCompleted,
        e.RunFailed,
        e.RunMigrated,
        e.RunMetadataSet,
        e.FieldsSet,
        e.VariablesSet,
        e.AttributesSet,
        e.SignalReceived,
        e.StepStarted,
        e.StepReleased,
        e.StepValuesSet,
        e.StepAutoProceedSet,
        e.StepSubmitted,
        e.StepSkipped,
        e.StepFailed,
        e.StepRepeated,
        e.StepAssigned,
        e.ApprovalRequested,
        e.ApprovalDecided,
        e.ApprovalDelegated,
    }
)
