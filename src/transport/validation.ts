import { type DescMessage, fromBinary, type Message } from '@bufbuild/protobuf';
import type { Path } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { type FieldViolation, statusOf } from './refusal-status.ts';
import { RpcFailure, refusedCall, undecodable } from './rpc-failure.ts';

/** The largest request, decompressed, in bytes. */
export const MESSAGE_MAX_BYTES = 1_048_576;

/** Wrong fields that are told; a request with more has more to repair than one answer should carry. */
const VIOLATIONS_MAX = 20;

const patterns = new Map<string, RegExp>();

/** Patterns come from our own files alone, so the platform's engine, faster by half, needs no protection from them. */
function matches(pattern: string, text: string): boolean {
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    compiled = new RegExp(pattern, 'u');
    patterns.set(pattern, compiled);
  }
  return compiled.test(text);
}

const validator = createValidator({ regexMatch: matches });

/** What is wrong with a request, or null. */
export interface InvalidRequest {
  readonly refusal: Refusal;
  readonly violations: readonly FieldViolation[];
}

/** Checks a decoded request against the rules published beside its fields. */
export function findInvalid(schema: DescMessage, message: Message): InvalidRequest | null {
  const result = validator.validate(schema, message);
  if (result.kind === 'valid') return null;
  if (result.kind === 'error') throw result.error;
  const violations = result.violations.slice(0, VIOLATIONS_MAX).map((violation) => ({
    field: pathOf(violation.field),
    description: violation.message,
  }));
  const first = violations[0] ?? { field: '', description: 'invalid request' };
  const text = first.field === '' ? first.description : `${first.field}: ${first.description}`;
  return {
    refusal: refuse('INVALID_FIELD', text, { field: first.field, description: first.description }),
    violations,
  };
}

/** @throws RpcFailure INVALID_FIELD with a violation for each wrong field */
export function assertValid(schema: DescMessage, message: Message): void {
  const invalid = findInvalid(schema, message);
  if (invalid !== null) throw new RpcFailure(statusOf(invalid.refusal, invalid.violations));
}

/** @throws RpcFailure TOO_LARGE or INVALID_FIELD */
export function decode(schema: DescMessage, bytes: Uint8Array): Message {
  if (bytes.byteLength > MESSAGE_MAX_BYTES) throw tooLarge();
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch {
    throw undecodable('the message cannot be decoded');
  }
}

export function tooLarge(): RpcFailure {
  return refusedCall(
    refuse('TOO_LARGE', `a message may have ${MESSAGE_MAX_BYTES} bytes`, { limit_bytes: MESSAGE_MAX_BYTES }),
  );
}

/** The path as it stands in a request: `lines[0].quantity`. */
function pathOf(path: Path): string {
  let text = '';
  for (const part of path) {
    if (part.kind === 'list_sub') text += `[${part.index}]`;
    else if (part.kind === 'map_sub') text += `[${JSON.stringify(String(part.key))}]`;
    else text += `${text === '' ? '' : '.'}${part.name}`;
  }
  return text;
}
