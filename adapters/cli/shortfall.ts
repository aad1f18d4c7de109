import { ShortfallPolicy } from '../../src/gen/earmark/v1/reservation_pb.ts';
import { UsageError } from './failures.ts';

export interface ShortfallOptions {
  readonly partial?: boolean;
  readonly waitlist?: boolean;
}

/** What to do where there is less than asked for: refuse, unless one of the options says otherwise. @throws UsageError */
export function shortfallPolicyOf({ partial = false, waitlist = false }: ShortfallOptions): ShortfallPolicy {
  if (partial && waitlist)
    throw new UsageError('say --partial to forget what is not there, or --waitlist to wait for it');
  if (waitlist) return ShortfallPolicy.WAITLIST;
  return partial ? ShortfallPolicy.PARTIAL : ShortfallPolicy.REJECT;
}
