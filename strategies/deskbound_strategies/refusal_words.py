"""Why a round was refused, in words for whoever reads a ledger: its owner, or an auditor."""

from deskbound_strategies.errors import RefusalCode

REFUSED: dict[RefusalCode, str] = {
    RefusalCode.MESSAGE_MALFORMED: "It was not a message that this laptop understands.",
    RefusalCode.MESSAGE_TOO_LARGE: "It was larger than the policy floor allows.",
    RefusalCode.BUNDLE_UNKNOWN: "It came with program code; only code installed here is ever run.",
    RefusalCode.TASK_TYPE_REFUSED: "It asked for a sort of work that this laptop does not do.",
    RefusalCode.CONTRACT_MALFORMED: "Its terms made no sense.",
    RefusalCode.CONTRACT_SIGNATURE: "It was not signed by the server that this laptop joined.",
    RefusalCode.CONTRACT_EXPIRED: "It was out of date, or dated ahead of this laptop's clock.",
    RefusalCode.CONTRACT_REPLAYED: "It was answered before. The server was not told.",
    RefusalCode.CLIENT_VERSION: "It was made for another version of Deskbound.",
    RefusalCode.TASK_UNKNOWN: "It named a task that the policy floor does not allow.",
    RefusalCode.VOCABULARY_MISMATCH: "It was about another vocabulary than the published one.",
    RefusalCode.MODEL_MISMATCH: "Its model was not the one that the server had signed for.",
    RefusalCode.WEIGHTS_MALFORMED: "Its model did not have the declared shape.",
    RefusalCode.WEIGHTS_NOT_FINITE: "Its model held numbers that are none.",
    RefusalCode.UNIT_NOT_ALLOWED: "It would have protected a smaller stretch of work than allowed.",
    RefusalCode.SIGMA_TOO_LOW: "It asked for less noise than the policy floor demands.",
    RefusalCode.CLIP_TOO_HIGH: "It would have let one unit weigh more than the floor allows.",
    RefusalCode.SAMPLING_TOO_HIGH: "It would have looked at more of the work than allowed.",
    RefusalCode.STEPS_TOO_MANY: "It asked for more training steps than the floor allows.",
    RefusalCode.EPSILON_TOO_HIGH: "One round would have cost more than a whole day may give away.",
    RefusalCode.COHORT_TOO_SMALL: "Too few colleagues would have taken part.",
    RefusalCode.DEADLINE_TOO_FAR: "It would have stayed open longer than the floor allows.",
    RefusalCode.LOG_PROOF: "It was not shown to be in the log that everybody sees.",
    RefusalCode.WITNESS_QUORUM: "Too few witnesses vouched for the log that it was in.",
    RefusalCode.LOG_FORKED: "The server's log is not the one it showed before. It was not told.",
    RefusalCode.MODEL_FORKED: "Its model was not the one shown before. The server was not told.",
    RefusalCode.ROLLED_BACK: "The log knows of uploads that this vault does not: it is an older "
    "copy, or there are two of it. The server was not told.",
    RefusalCode.NOT_LOGGED: "The server does not log what this laptop sends. It was not told.",
    RefusalCode.RELEASE_NOT_LOGGED: "The server's log does not show that the code running here was "
    "reviewed. The server was not told.",
    RefusalCode.STOP_MALFORMED: "It was an order to stop that made no sense. Nothing was stopped.",
    RefusalCode.STOP_SIGNATURE: "It was an order to stop that this laptop's server had not signed. "
    "Nothing was stopped.",
    RefusalCode.ROUNDS_PER_DAY: "It was one round too many for a day. The server was not told.",
    RefusalCode.INTERNAL: "Something went wrong here; nothing was sent and nothing more was told.",
}
