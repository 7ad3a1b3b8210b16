/** Says the name of a Worker that shall die. */
export const DEATH_CHANNEL = "tests/runtime/raft/engine";
