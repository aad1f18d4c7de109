import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';

/** Calls unary methods of a local gRPC server, for what surrounds a measurement. */
export interface ServiceClient {
  /** @throws ServiceError with the server's status */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    timeoutMs: number,
  ): Promise<MessageShape<O>>;
  close(): void;
}

const MESSAGE_MAX_BYTES = 16 * 1024 ** 2;

export function connectClient(port: number): ServiceClient {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': MESSAGE_MAX_BYTES,
  });
  return {
    call: <I extends DescMessage, O extends DescMessage>(
      method: DescMethodUnary<I, O>,
      request: MessageInitShape<I>,
      timeoutMs: number,
    ) =>
      new Promise<MessageShape<O>>((resolve, reject) => {
        client.makeUnaryRequest(
          `/${method.parent.typeName}/${method.name}`,
          (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
          (bytes: Buffer) => fromBinary(method.output, bytes),
          create(method.input, request),
          { deadline: Date.now() + timeoutMs },
          (error, answer) => {
            if (error !== null) reject(error);
            else if (answer === undefined) reject(new Error(`${method.name} answered nothing`));
            else resolve(answer);
          },
        );
      }),
    close: () => client.close(),
  };
}
