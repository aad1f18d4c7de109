export type ActorType = 'SERVICE' | 'PERSON' | 'WAREHOUSE' | 'CLOCK';

/** Who asks. The principal scopes request ids; it is a technical name, never a customer's. */
export interface Caller {
  readonly principal: string;
  readonly actorType: ActorType;
  readonly channel: string;
}

/** The clock itself, which frees what is past its deadline. */
export const CLOCK_CALLER: Caller = { principal: 'clock', actorType: 'CLOCK', channel: '' };
