"""Every error a person or a server may meet, each with one sentence, a mend and a stable code.

    DeskboundError
    ├── ConfigError            10   a setting is unknown or out of range
    ├── KeystoreError          11   no acceptable keystore, and no passphrase given
    ├── WrongPassphraseError   12   the passphrase does not open this vault
    ├── VaultDamagedError      13   a vault file is plain, truncated, tampered with or foreign
    ├── PermissionsError       14   someone else could read the vault
    ├── BusyError              15   another Deskbound process holds what is needed
    ├── DiskFullError          16   there is no room to write
    ├── NotFoundError          17   no vault, run, model or file of that name
    ├── TroubleFoundError      18   the doctor found something that is wrong
    ├── SandboxError           19   the sandbox is required and this system has none
    ├── NoDisplayError         20   there is no X display to capture from
    ├── WaylandError           21   input cannot be captured under Wayland
    ├── UnreachableError       30   the SuperLink does not answer
    ├── UntrustedServerError   31   the SuperLink's certificate is not from the pinned CA
    ├── RevokedError           32   the SuperLink no longer knows this laptop
    ├── RoundFailedError       40   a round or run ended without a model
    ├── VerificationError      50   a ledger or proof does not verify
    ├── CodeChangedError       51   the installed code is not the code that was reviewed
    └── Refusal                60   a round contract was refused; at most its code travels

Errors never carry captured content: sentences are composed from names of files, settings and codes.
"""

from enum import StrEnum


class DeskboundError(Exception):
    """Base of all errors; never raised directly.

    Args:
        sentence: what happened, one sentence naming the thing.
        mend: what the reader can do about it, one sentence.
    """

    exit_code = 1

    def __init__(self, sentence: str, mend: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.mend = mend


class ConfigError(DeskboundError):
    """A setting is unknown or out of range."""

    exit_code = 10


class KeystoreError(DeskboundError):
    """There is no acceptable keystore and no passphrase was given."""

    exit_code = 11


class WrongPassphraseError(DeskboundError):
    """The passphrase does not open this vault."""

    exit_code = 12


class VaultDamagedError(DeskboundError):
    """A vault file is plain, truncated, tampered with or belongs to another vault."""

    exit_code = 13


class PermissionsError(DeskboundError):
    """A file or folder of the vault is readable or writable by others."""

    exit_code = 14


class BusyError(DeskboundError):
    """Another Deskbound process holds what is needed."""

    exit_code = 15


class DiskFullError(DeskboundError):
    """There is no room left to write."""

    exit_code = 16


class NotFoundError(DeskboundError):
    """No vault, run, model or file of that name."""

    exit_code = 17


class TroubleFoundError(DeskboundError):
    """The doctor found something that is wrong."""

    exit_code = 18


class SandboxError(DeskboundError):
    """The sandbox is required and this system cannot confine a process."""

    exit_code = 19


class NoDisplayError(DeskboundError):
    """There is no X display to capture from."""

    exit_code = 20


class WaylandError(DeskboundError):
    """Input cannot be captured under Wayland."""

    exit_code = 21


class UnreachableError(DeskboundError):
    """The SuperLink does not answer."""

    exit_code = 30


class UntrustedServerError(DeskboundError):
    """The SuperLink's certificate is not signed by the pinned CA."""

    exit_code = 31


class RevokedError(DeskboundError):
    """The SuperLink does not know this laptop, or no longer does."""

    exit_code = 32


class RoundFailedError(DeskboundError):
    """A round or a run ended without releasing a model."""

    exit_code = 40


class VerificationError(DeskboundError):
    """A ledger, signature or proof does not verify."""

    exit_code = 50


class CodeChangedError(DeskboundError):
    """The installed code is not the code that was reviewed."""

    exit_code = 51


class RefusalCode(StrEnum):
    """The closed list of reasons for a refusal. Nothing else is said of one, here or to a server.

    A code that travels is a function of the contract, the message and public policy alone, never
    of what the vault holds or of what this laptop did before: a laptop that is paused, has no
    consent, no data or no budget left stays silent, exactly as if it were offline. So it is with
    the codes in ``LOCAL_ONLY``, which only the laptop's own ledger ever names.
    """

    MESSAGE_MALFORMED = "message-malformed"
    MESSAGE_TOO_LARGE = "message-too-large"
    BUNDLE_UNKNOWN = "bundle-unknown"
    TASK_TYPE_REFUSED = "task-type-refused"
    CONTRACT_MALFORMED = "contract-malformed"
    CONTRACT_SIGNATURE = "contract-signature"
    CONTRACT_EXPIRED = "contract-expired"
    CONTRACT_REPLAYED = "contract-replayed"
    CLIENT_VERSION = "client-version"
    TASK_UNKNOWN = "task-unknown"
    VOCABULARY_MISMATCH = "vocabulary-mismatch"
    MODEL_MISMATCH = "model-mismatch"
    WEIGHTS_MALFORMED = "weights-malformed"
    WEIGHTS_NOT_FINITE = "weights-not-finite"
    UNIT_NOT_ALLOWED = "unit-not-allowed"
    SIGMA_TOO_LOW = "sigma-too-low"
    CLIP_TOO_HIGH = "clip-too-high"
    SAMPLING_TOO_HIGH = "sampling-too-high"
    STEPS_TOO_MANY = "steps-too-many"
    EPSILON_TOO_HIGH = "epsilon-too-high"
    COHORT_TOO_SMALL = "cohort-too-small"
    DEADLINE_TOO_FAR = "deadline-too-far"
    LOG_PROOF = "log-proof"
    WITNESS_QUORUM = "witness-quorum"
    ROUNDS_PER_DAY = "rounds-per-day"
    LOG_FORKED = "log-forked"
    MODEL_FORKED = "model-forked"
    ROLLED_BACK = "rolled-back"
    NOT_LOGGED = "not-logged"
    RELEASE_NOT_LOGGED = "release-not-logged"
    STOP_MALFORMED = "stop-malformed"
    STOP_SIGNATURE = "stop-signature"
    INTERNAL = "internal"


# Whoever heard one of these would know what a laptop saw or did before: that it had begun a round,
# and so had data and budget for it. To the server they are silence; the employee is told.
LOCAL_ONLY = frozenset(
    {
        RefusalCode.CONTRACT_REPLAYED,
        RefusalCode.ROUNDS_PER_DAY,
        RefusalCode.LOG_FORKED,  # the log is not the one this laptop saw before
        RefusalCode.MODEL_FORKED,  # another model for this round than before
        RefusalCode.ROLLED_BACK,  # the log knows of releases that this vault does not
        RefusalCode.NOT_LOGGED,  # what this laptop released is not being logged
        RefusalCode.RELEASE_NOT_LOGGED,  # which release runs here is nobody else's to probe
    }
)


class Refusal(DeskboundError):  # noqa: N818 - the project's own word for it
    """A round contract was refused on this laptop; at most its ``code`` is ever told."""

    exit_code = 60

    def __init__(self, code: RefusalCode) -> None:
        super().__init__(f"Refused: {code.value}.")
        self.code = code
