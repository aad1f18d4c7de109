import {
  create,
  createRegistry,
  type DescFile,
  type DescService,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from '../gen/grpc/reflection/v1/reflection_pb.ts';

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>;

/** Answers `grpc.reflection` for the services and everything their files import. */
export function createReflection(services: readonly DescService[]): (call: ServerDuplexStream<Buffer, Buffer>) => void {
  const files = new Map<string, DescFile>();
  for (const service of services) collect(service.file, files);
  const registry = createRegistry(...files.values());
  const names = services.map((service) => ({ name: service.typeName }));

  const answer = (request: ServerReflectionRequest['messageRequest']): Answer => {
    switch (request.case) {
      case 'listServices':
        return { case: 'listServicesResponse', value: { service: names } };
      case 'fileByFilename':
        return filesAnswer(files.get(request.value), request.value);
      case 'fileContainingSymbol':
        return filesAnswer(declaringFile(registry, request.value), request.value);
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = request.value;
        const extended = registry.getMessage(containingType);
        const extension = extended && registry.getExtensionFor(extended, extensionNumber);
        return filesAnswer(extension?.file, `extension ${extensionNumber} of ${containingType}`);
      }
      case 'allExtensionNumbersOfType':
        return extensionsAnswer(registry, request.value);
      default:
        return failure(status.INVALID_ARGUMENT, 'nothing was asked');
    }
  };

  return (call) => {
    call.on('data', (bytes: Buffer) => {
      const request = decoded(bytes);
      if (request === null) {
        call.emit('error', { code: status.INVALID_ARGUMENT, details: 'the message cannot be decoded' });
        return;
      }
      const response = create(ServerReflectionResponseSchema, {
        validHost: request.host,
        originalRequest: request,
        messageResponse: answer(request.messageRequest),
      });
      const flushed = call.write(Buffer.from(toBinary(ServerReflectionResponseSchema, response)));
      if (!flushed) {
        call.pause();
        call.once('drain', () => call.resume());
      }
    });
    call.on('error', () => {});
    call.on('end', () => call.end());
  };
}

function decoded(bytes: Buffer): ServerReflectionRequest | null {
  try {
    return fromBinary(ServerReflectionRequestSchema, bytes);
  } catch {
    return null;
  }
}

function collect(file: DescFile, into: Map<string, DescFile>): void {
  const name = file.proto.name;
  if (into.has(name)) return;
  into.set(name, file);
  for (const dependency of file.dependencies) collect(dependency, into);
}

/** A method or an enum value is declared by what stands before its last dot. */
function declaringFile(registry: ReturnType<typeof createRegistry>, symbol: string): DescFile | undefined {
  const parent = symbol.slice(0, Math.max(0, symbol.lastIndexOf('.')));
  return (registry.get(symbol) ?? registry.get(parent))?.file;
}

function filesAnswer(file: DescFile | undefined, asked: string): Answer {
  if (file === undefined) return failure(status.NOT_FOUND, `there is no ${asked}`);
  const needed = new Map<string, DescFile>();
  collect(file, needed);
  const fileDescriptorProto = [...needed.values()].map((one) => toBinary(FileDescriptorProtoSchema, one.proto));
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

function extensionsAnswer(registry: ReturnType<typeof createRegistry>, typeName: string): Answer {
  if (registry.getMessage(typeName) === undefined) return failure(status.NOT_FOUND, `there is no ${typeName}`);
  const extensionNumber: number[] = [];
  for (const type of registry) {
    if (type.kind === 'extension' && type.extendee.typeName === typeName) extensionNumber.push(type.number);
  }
  return { case: 'allExtensionNumbersResponse', value: { baseTypeName: typeName, extensionNumber } };
}

function failure(errorCode: number, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
