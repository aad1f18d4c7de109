import { type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { access, Role } from '../gen/earmark/v1/options_pb.ts';
import type { Principal } from './authentication.ts';
import { deniedCall } from './rpc-failure.ts';

/** The roles an RPC declares in the published files; empty means nobody may call it. */
export function rolesAllowed(method: DescMethod): ReadonlySet<Role> {
  if (!hasOption(method, access)) return new Set();
  return new Set(getOption(method, access).roles.filter((role) => role !== Role.UNSPECIFIED));
}

/** @throws RpcFailure PERMISSION_DENIED unless the principal holds one of the roles */
export function authorise(principal: Principal, allowed: ReadonlySet<Role>): void {
  for (const role of allowed) if (principal.roles.has(role)) return;
  throw deniedCall('PERMISSION_DENIED', 'this call is not allowed for you');
}
