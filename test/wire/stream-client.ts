import {
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  fromBinary,
  fromJson,
  type JsonObject,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { detailsOf } from './grpc-client.ts';
import { failed, type WireAnswer } from './wire-client.ts';

/** One open stream as its reader sees it. */
export interface OpenStream {
  /** The next message, or how the stream ended. */
  next(): Promise<{ readonly message: JsonObject } | { readonly end: WireAnswer }>;
  cancel(): void;
}

/** A way to read a stream of answers. */
export interface StreamClient {
  readonly name: string;
  open(method: DescMethodServerStreaming, request: JsonObject): OpenStream;
  close(): void;
}

export function createGrpcStreams(port: number): StreamClient {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    name: 'grpc-js',
    open(method, request) {
      const call = client.makeServerStreamRequest(
        `/${method.parent.typeName}/${method.name}`,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        Buffer.from(toBinary(method.input, fromJson(method.input, request))),
        new Metadata(),
        { deadline: Date.now() + 30_000 },
      );
      return reading(method, call[Symbol.asyncIterator](), () => call.cancel());
    },
    close: () => client.close(),
  };
}

export function createConnectStreams(port: number, httpVersion: '1.1' | '2'): StreamClient {
  const transport = createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion });
  return {
    name: `Connect over HTTP/${httpVersion}`,
    open(method, request) {
      const cancelled = new AbortController();
      async function* messages() {
        const input = fromJson(method.input, request);
        async function* requests() {
          yield input as never;
        }
        const { message } = await transport.stream(method, cancelled.signal, undefined, undefined, requests());
        for await (const one of message) yield toBinary(method.output, one);
      }
      return reading(method, messages(), () => cancelled.abort());
    },
    close: () => {},
  };
}

function reading(method: DescMethodServerStreaming, bytes: AsyncIterator<Uint8Array>, cancel: () => void): OpenStream {
  return {
    cancel,
    async next() {
      try {
        const { done, value } = await bytes.next();
        if (done === true) return { end: failed(0, '', []) };
        return { message: toJson(method.output, fromBinary(method.output, value)) as JsonObject };
      } catch (error) {
        return { end: endOf(error) };
      }
    },
  };
}

function endOf(error: unknown): WireAnswer {
  if (error instanceof ConnectError) {
    const details = error.details.flatMap((one) => ('type' in one ? [{ type: one.type, value: one.value }] : []));
    return failed(error.code, error.rawMessage, details);
  }
  const serviceError = error as ServiceError;
  return failed(serviceError.code, serviceError.details, detailsOf(serviceError));
}

/** Sends all requests on one stream and collects all answers. */
export async function exchangeAll(
  port: number,
  method: DescMethodBiDiStreaming,
  requests: readonly JsonObject[],
): Promise<JsonObject[]> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const call = client.makeBidiStreamRequest(
    `/${method.parent.typeName}/${method.name}`,
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
    new Metadata(),
    { deadline: Date.now() + 30_000 },
  );
  for (const request of requests) call.write(Buffer.from(toBinary(method.input, fromJson(method.input, request))));
  call.end();
  const answers: JsonObject[] = [];
  for await (const bytes of call) answers.push(toJson(method.output, fromBinary(method.output, bytes)) as JsonObject);
  client.close();
  return answers;
}
