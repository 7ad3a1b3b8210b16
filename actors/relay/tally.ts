/** What an agent has read for others. */
export interface RelayTally {
  /** Sources that it reads now. */
  active: number;
  begun: number;
  bytes: number;
}
