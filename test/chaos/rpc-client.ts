import {
  create,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';

const RECONNECT_MIN_MS = 50;
const RECONNECT_MAX_MS = 500;

type Method = DescMethodUnary;

/** A plain gRPC client of one process, as a caller in any language would have it. */
export interface RpcClient {
  readonly target: string;
  /** @throws CallFailure with the status code of the answer, or of the missing one */
  call<M extends Method>(
    method: M,
    request: MessageInitShape<M['input']>,
    deadlineMs: number,
  ): Promise<MessageShape<M['output']>>;
  close(): void;
}

export class CallFailure extends Error {
  override name = 'CallFailure';
  readonly code: status;

  constructor(code: status, message: string) {
    super(`${status[code]}: ${message}`);
    this.code = code;
  }
}

export function openRpcClient(target: string): RpcClient {
  const client = new Client(target, credentials.createInsecure(), {
    'grpc.initial_reconnect_backoff_ms': RECONNECT_MIN_MS,
    'grpc.max_reconnect_backoff_ms': RECONNECT_MAX_MS,
  });
  return {
    target,
    call: <M extends Method>(method: M, request: MessageInitShape<M['input']>, deadlineMs: number) =>
      new Promise<MessageShape<M['output']>>((resolve, reject) => {
        client.makeUnaryRequest(
          `/${method.parent.typeName}/${method.name}`,
          (bytes: Buffer) => bytes,
          (bytes: Buffer) => bytes,
          Buffer.from(toBinary(method.input, create(method.input, request))),
          { deadline: Date.now() + deadlineMs },
          (error: ServiceError | null, answer?: Buffer) => {
            if (error !== null) reject(new CallFailure(error.code, error.details));
            else resolve(fromBinary(method.output, answer ?? Buffer.alloc(0)) as MessageShape<M['output']>);
          },
        );
      }),
    close: () => client.close(),
  };
}
