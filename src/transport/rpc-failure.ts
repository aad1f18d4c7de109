import { type Refusal, refuse } from '../domain/refusal.ts';
import { GrpcCode } from './grpc-code.ts';
import { type FieldViolation, type RpcStatus, statusOf } from './refusal-status.ts';

/** Ends a call with a status other than OK. Everything a handler throws becomes one of these. */
export class RpcFailure extends Error {
  override name = 'RpcFailure';
  readonly status: RpcStatus;

  constructor(status: RpcStatus) {
    super(status.message);
    this.status = status;
  }
}

/** The failure that carries a refusal to the caller. */
export function refusedCall(refusal: Refusal, violations: readonly FieldViolation[] = []): RpcFailure {
  return new RpcFailure(statusOf(refusal, violations));
}

/** The failure for a request that could not be decoded at all. */
export function undecodable(why: string): RpcFailure {
  return refusedCall(refuse('INVALID_FIELD', why, { field: '' }), [{ field: '', description: why }]);
}

/** A failure without details: who may call says nothing about what is there. */
export function deniedCall(code: 'UNAUTHENTICATED' | 'PERMISSION_DENIED', message: string): RpcFailure {
  return new RpcFailure({ code: GrpcCode[code], message, details: [] });
}

/** What an unexpected exception looks like from outside: a bug of ours, and nothing about its inside. */
export const INTERNAL_STATUS: RpcStatus = { code: GrpcCode.INTERNAL, message: 'internal error', details: [] };
