import type { Caller } from '../domain/caller.ts';
import { Role } from '../gen/earmark/v1/options_pb.ts';

/** One header of the request in lower case, or undefined. */
export type HeaderReader = (name: string) => string | undefined;

/** Who calls, and what they may do. */
export interface Principal {
  readonly caller: Caller;
  readonly roles: ReadonlySet<Role>;
}

/** Tells who calls. Throws an UNAUTHENTICATED failure where it cannot. */
export type Authenticator = (header: HeaderReader) => Principal | Promise<Principal>;

const ANONYMOUS: Principal = {
  caller: { principal: 'anonymous', actorType: 'SERVICE', channel: '' },
  roles: new Set(Object.values(Role).filter((role) => role !== Role.UNSPECIFIED)),
};

/** While nobody is asked who they are, everybody is the same principal and holds every role. */
export const authenticateNobody: Authenticator = () => ANONYMOUS;
