import { type DescMethodUnary, fromBinary, fromJson, toBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  BAD_UTF8,
  failed,
  succeeded,
  TRUNCATED,
  type WireAnswer,
  type WireClient,
  type WireDetail,
  type WireOptions,
} from './wire-client.ts';

/**
 * A plain grpc-js client without generated stubs.
 * @param ownConnection shares no connection with the other clients of this process
 */
export function createGrpcClient(port: number, { ownConnection = false } = {}): WireClient {
  const own = { 'grpc.use_local_subchannel_pool': ownConnection ? 1 : 0 };
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), own);

  const send = (method: DescMethodUnary, bytes: Uint8Array, options: WireOptions = {}): Promise<WireAnswer> => {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(options.headers ?? {})) metadata.set(key, value);
    return new Promise((resolve) => {
      const call = client.makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        (request: Buffer) => request,
        (response: Buffer) => response,
        Buffer.from(bytes),
        metadata,
        { deadline: Date.now() + (options.timeoutMs ?? 15_000) },
        (error, response) => {
          if (error !== null) resolve(failed(error.code, error.details, detailsOf(error)));
          else resolve(succeeded(method, fromBinary(method.output, response ?? new Uint8Array())));
        },
      );
      options.signal?.addEventListener('abort', () => call.cancel(), { once: true });
    });
  };

  return {
    name: 'grpc-js',
    call: (method, request, options) => send(method, toBinary(method.input, fromJson(method.input, request)), options),
    callBroken: (method, how) => send(method, how === 'truncated' ? TRUNCATED : BAD_UTF8),
    close: () => client.close(),
  };
}

/** Details of `grpc-status-details-bin`: field 3 of google.rpc.Status, each an Any. */
export function detailsOf(error: ServiceError): WireDetail[] {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  if (!Buffer.isBuffer(bytes)) return [];
  const details: WireDetail[] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 3) details.push(anyOf(reader.bytes()));
    else reader.skip(wireType);
  }
  return details;
}

function anyOf(bytes: Uint8Array): WireDetail {
  const reader = new BinaryReader(bytes);
  let type = '';
  let value: Uint8Array = new Uint8Array();
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) type = reader.string().replace('type.googleapis.com/', '');
    else if (field === 2) value = reader.bytes();
    else reader.skip(wireType);
  }
  return { type, value };
}
