import { createHash } from 'node:crypto';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import type { MsgHdrs } from '@nats-io/transport-node';
import { canonicalBytes, decodeMessage } from './codec.ts';

export interface RawMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: MsgHdrs | undefined;
}

export type Inbound<Desc extends DescMessage> =
  /** With the SHA-256 of the decoded message. */
  | { readonly message: MessageShape<Desc>; readonly contentHash: Uint8Array }
  | { readonly unreadable: 'undecodable' }
  /** Breaks a rule of the contract; the field is the first that does, or empty. */
  | { readonly unreadable: 'invalid'; readonly field: string };

const validator = createValidator();

/**
 * Decodes one inbound message and holds it against the contract. Never throws.
 * @param complete fills in what the subject tells, before anything is checked
 */
export function readInbound<Desc extends DescMessage>(
  schema: Desc,
  { data, headers }: Pick<RawMessage, 'data' | 'headers'>,
  complete: (message: MessageShape<Desc>) => void = () => {},
): Inbound<Desc> {
  let message: MessageShape<Desc>;
  try {
    message = decodeMessage(schema, data, headers);
  } catch {
    return { unreadable: 'undecodable' };
  }
  complete(message);
  const result = validator.validate(schema, message);
  if (result.kind !== 'valid') {
    const field = result.kind === 'invalid' ? (result.violations[0]?.field.map(nameOf).join('.') ?? '') : '';
    return { unreadable: 'invalid', field };
  }
  return { message, contentHash: createHash('sha256').update(canonicalBytes(schema, message)).digest() };
}

function nameOf(step: { readonly kind: string; readonly name?: string; readonly index?: number }): string {
  return step.name ?? String(step.index ?? step.kind);
}
