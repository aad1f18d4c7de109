import { refuse } from '../domain/refusal.ts';
import { refusedCall } from './rpc-failure.ts';

/** Streams one process serves at a time. */
export const STREAMS_PER_PROCESS_MAX = 5_000;

/** Streams one principal may have open at one process. */
export const STREAMS_PER_PRINCIPAL_MAX = 1_000;

export interface StreamSlots {
  /**
   * Takes a place and answers how to give it back.
   * @throws RpcFailure TOO_MANY_STREAMS
   */
  take(principal: string): () => void;
  /** Places taken now. */
  open(): number;
}

/** Counts open streams against both bounds. */
export function createStreamSlots(
  perProcessMax = STREAMS_PER_PROCESS_MAX,
  perPrincipalMax = STREAMS_PER_PRINCIPAL_MAX,
): StreamSlots {
  const taken = new Map<string, number>();
  let total = 0;
  return {
    open: () => total,
    take(principal) {
      const own = taken.get(principal) ?? 0;
      if (total >= perProcessMax || own >= perPrincipalMax) {
        const limit = total >= perProcessMax ? perProcessMax : perPrincipalMax;
        throw refusedCall(refuse('TOO_MANY_STREAMS', `${limit} streams are open`, { limit }));
      }
      taken.set(principal, own + 1);
      total += 1;
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        total -= 1;
        const left = (taken.get(principal) ?? 1) - 1;
        if (left === 0) taken.delete(principal);
        else taken.set(principal, left);
      };
    },
  };
}
