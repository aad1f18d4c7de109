import { hash } from 'node:crypto';
import { type DescField, type DescMessage, isFieldSet, type Message, ScalarType } from '@bufbuild/protobuf';

/** The field that names a request and is therefore no part of its content. */
const REQUEST_ID_FIELD = 'request_id';

type Writer = (message: Message) => string;

const writers = new Map<string, Writer>();

/**
 * SHA-256 over the decoded fields of a request without its id. Equal fields give equal hashes: whether JSON or binary,
 * and in which order a map came, makes no difference.
 */
export function contentHash(schema: DescMessage, message: Message): Uint8Array {
  return hash('sha256', writerFor(schema)(message), 'buffer');
}

/** A writer is made once per message type: each set field as its number and a text that cannot run into the next. */
function writerFor(schema: DescMessage): Writer {
  const known = writers.get(schema.typeName);
  if (known !== undefined) return known;
  const fields: ((message: Message) => string)[] = [];
  const write: Writer = (message) => {
    let text = '';
    for (const field of fields) text += field(message);
    return text;
  };
  writers.set(schema.typeName, write);
  const ordered = [...schema.fields].sort((left, right) => left.number - right.number);
  for (const field of ordered) if (field.name !== REQUEST_ID_FIELD) fields.push(fieldWriter(field));
  return write;
}

function fieldWriter(field: DescField): (message: Message) => string {
  const read = reader(field);
  const write = valueWriter(field);
  return (message) => {
    if (!isFieldSet(message, field)) return '';
    return `${field.number}=${write(read(message))}`;
  };
}

function reader(field: DescField): (message: Message) => unknown {
  if (field.oneof !== undefined) {
    const group = field.oneof.localName;
    return (message) => (message as unknown as Record<string, { value?: unknown } | undefined>)[group]?.value;
  }
  const name = field.localName;
  return (message) => (message as unknown as Record<string, unknown>)[name];
}

function valueWriter(field: DescField): (value: unknown) => string {
  if (field.fieldKind === 'list') {
    const one = field.listKind === 'message' ? nested(field.message) : scalar(scalarType(field.scalar));
    return (value) => sequence((value as unknown[]).map(one));
  }
  if (field.fieldKind === 'map') {
    const one = field.mapKind === 'message' ? nested(field.message) : scalar(scalarType(field.scalar));
    return (value) => {
      const entries = Object.entries(value as Record<string, unknown>);
      entries.sort(([left], [right]) => (left < right ? -1 : 1));
      return sequence(entries.map(([key, entry]) => `${sized(key)}${one(entry)}`));
    };
  }
  return field.fieldKind === 'message' ? nested(field.message) : scalar(scalarType(field.scalar));
}

function scalarType(type: ScalarType | undefined): ScalarType {
  return type ?? ScalarType.INT32;
}

function nested(schema: DescMessage): (value: unknown) => string {
  const write = writerFor(schema);
  return (value) => sized(write(value as Message));
}

function scalar(type: ScalarType): (value: unknown) => string {
  if (type === ScalarType.STRING) return (value) => sized(value as string);
  if (type === ScalarType.BYTES) return (value) => sized(Buffer.from(value as Uint8Array).toString('base64'));
  return (value) => `${String(value)};`;
}

function sequence(parts: readonly string[]): string {
  return `${parts.length}[${parts.join('')}]`;
}

function sized(text: string): string {
  return `${text.length}:${text}`;
}
