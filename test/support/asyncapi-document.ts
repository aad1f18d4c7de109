import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { type Channel, listChannels } from './nats-channels.ts';

/** A value that YAML and JSON both have. */
export type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain };

const TIMESTAMP = 'google.protobuf.Timestamp';
const DURATION = 'google.protobuf.Duration';

const PARAMETERS: Readonly<Record<string, string>> = {
  wms: 'The warehouse system, as a token.',
  site: 'The code of the warehouse, as a token.',
  sku: 'The SKU, as a token.',
  trackingId: 'The public id of the reservation.',
  messageId: 'The id of the inbound message, as a token.',
  exchange: 'The exchange, as a token.',
  event: 'The event of the judged message.',
  stream: 'The stream the parked message came from, as a token.',
  reason: 'Why it was parked.',
};

const DESCRIPTION =
  'What Earmark sends and takes over NATS JetStream. Tokens keep A-Z, a-z, 0-9 and "-"; every other byte of the UTF-8 ' +
  'form becomes "_" and two upper-case hexadecimal digits. Quantities are absolute; an older (epoch, version) than ' +
  'known is to be ignored. Channels marked x-planned are part of the contract and not served by this version.';

/** The description of every subject, made from the subject builders and the message descriptors. */
export function makeAsyncApi(version: string): Plain {
  const channels = listChannels();
  const schemas = new Map<string, Plain>();
  const messages: Record<string, Plain> = { ParkedMessage: parkedMessage() };
  for (const message of channels.flatMap((one) => [one.message, one.reply ?? null])) {
    if (message === null) continue;
    addSchema(schemas, message);
    messages[message.name] = {
      name: message.name,
      title: message.typeName,
      contentType: 'application/json',
      headers: { $ref: '#/components/schemas/CloudEventHeaders' },
      payload: { $ref: schemaRef(message) },
    };
  }
  return {
    asyncapi: '3.0.0',
    info: { title: 'Earmark over NATS', version, description: DESCRIPTION, license: { name: 'Apache-2.0' } },
    defaultContentType: 'application/json',
    servers: { nats: { host: 'localhost:4222', protocol: 'nats', description: 'nats-server with JetStream.' } },
    channels: Object.fromEntries(channels.flatMap(channelEntries)),
    operations: Object.fromEntries(channels.map((one) => [one.id, operationOf(one)])),
    components: {
      messages: Object.fromEntries(Object.entries(messages).sort(([a], [b]) => (a < b ? -1 : 1))),
      schemas: { CloudEventHeaders: cloudEventHeaders(), ...Object.fromEntries([...schemas].sort()) },
    },
  };
}

function channelEntries(one: Channel): [string, Plain][] {
  const names = [...one.address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  const entry: [string, Plain] = [
    one.id,
    {
      address: one.address,
      description: one.summary,
      parameters: Object.fromEntries(names.map((name) => [name, { description: PARAMETERS[name] ?? '' }])),
      messages: messageRef(messageName(one)),
      ...(one.stream === null ? {} : { 'x-stream': one.stream }),
      ...(one.isPlanned ? { 'x-planned': true } : {}),
    },
  ];
  if (one.reply === undefined) return [entry];
  return [entry, [`${one.id}-reply`, { description: `The reply to ${one.id}.`, messages: messageRef(one.reply.name) }]];
}

function messageRef(name: string): Plain {
  return { [name]: { $ref: `#/components/messages/${name}` } };
}

function messageName({ message }: Channel): string {
  return message?.name ?? 'ParkedMessage';
}

function operationOf(one: Channel): Plain {
  const reply = one.reply && {
    channel: { $ref: `#/channels/${one.id}-reply` },
    messages: [{ $ref: `#/channels/${one.id}-reply/messages/${one.reply.name}` }],
  };
  return {
    action: one.action,
    channel: { $ref: `#/channels/${one.id}` },
    summary: one.summary,
    messages: [{ $ref: `#/channels/${one.id}/messages/${messageName(one)}` }],
    ...(reply === undefined ? {} : { reply }),
  };
}

function parkedMessage(): Plain {
  return {
    name: 'ParkedMessage',
    title: 'A message as it came',
    summary: 'Replayable; its headers say why it was parked.',
  };
}

function cloudEventHeaders(): Plain {
  const text = (description: string) => ({ type: 'string', description });
  return {
    type: 'object',
    description: 'CloudEvents 1.0, binary mode.',
    required: ['ce-specversion', 'ce-id', 'ce-type', 'ce-source', 'content-type'],
    properties: {
      'ce-specversion': { type: 'string', const: '1.0' },
      'ce-id': text('The message id.'),
      'ce-type': text('The full name of the message.'),
      'ce-source': text('Where it comes from.'),
      'ce-subject': text('What it is about: a tracking id or a SKU.'),
      'ce-time': { type: 'string', format: 'date-time', description: 'When it was committed.' },
      'ce-sequence': text('The version of what it is about.'),
      'content-type': text('application/json, or application/protobuf.'),
      traceparent: text('W3C trace context.'),
      'Nats-Msg-Id': text('Tells a repetition from a new message.'),
    },
  };
}

function addSchema(schemas: Map<string, Plain>, message: DescMessage): void {
  if (schemas.has(message.typeName)) return;
  schemas.set(message.typeName, {});
  const properties = Object.fromEntries(message.fields.map((field) => [field.jsonName, fieldSchema(schemas, field)]));
  schemas.set(message.typeName, { type: 'object', properties });
}

function fieldSchema(schemas: Map<string, Plain>, field: DescField): Plain {
  switch (field.fieldKind) {
    case 'scalar':
      return scalarSchema(field.scalar);
    case 'enum':
      return enumSchema(field.enum);
    case 'message':
      return messageSchema(schemas, field.message);
    case 'list': {
      if (field.listKind === 'message') return { type: 'array', items: messageSchema(schemas, field.message) };
      return { type: 'array', items: field.listKind === 'enum' ? enumSchema(field.enum) : scalarSchema(field.scalar) };
    }
    case 'map':
      return {
        type: 'object',
        additionalProperties: field.mapKind === 'message' ? messageSchema(schemas, field.message) : { type: 'string' },
      };
  }
}

function messageSchema(schemas: Map<string, Plain>, message: DescMessage): Plain {
  if (message.typeName === TIMESTAMP) return { type: 'string', format: 'date-time' };
  if (message.typeName === DURATION) return { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]+)?s$' };
  addSchema(schemas, message);
  return { $ref: schemaRef(message) };
}

function schemaRef(message: DescMessage): string {
  return `#/components/schemas/${message.typeName}`;
}

function enumSchema({ values }: DescEnum): Plain {
  return { type: 'string', enum: values.map((value) => value.name) };
}

function scalarSchema(scalar: ScalarType): Plain {
  switch (scalar) {
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.INT32:
      return { type: 'integer', format: 'int32' };
    case ScalarType.INT64:
      return { type: 'string', format: 'int64' };
    default:
      return { type: 'string' };
  }
}

const PLAIN_TEXT = /^[A-Za-z][A-Za-z0-9 ./_-]*[A-Za-z0-9./]$/;
const WORDS_WITH_MEANING = /^(true|false|yes|no|on|off|null)$/i;

/** Block style YAML. Texts that could be taken for something else are quoted as in JSON, which YAML contains. */
export function toYaml(value: Plain, indent = ''): string {
  if (Array.isArray(value)) {
    return value.map((item: Plain) => `\n${indent}- ${toYaml(item, `${indent}  `).trimStart()}`).join('');
  }
  if (typeof value === 'object') {
    const entries = Object.entries(value);
    if (entries.length === 0) return ' {}';
    return entries.map(([key, part]) => `\n${indent}${keyText(key)}:${toYaml(part, `${indent}  `)}`).join('');
  }
  return ` ${typeof value === 'string' ? scalarText(value) : String(value)}`;
}

function keyText(key: string): string {
  return /^[A-Za-z$][A-Za-z0-9$._-]*$/.test(key) && !WORDS_WITH_MEANING.test(key) ? key : JSON.stringify(key);
}

function scalarText(text: string): string {
  return PLAIN_TEXT.test(text) && !WORDS_WITH_MEANING.test(text) ? text : JSON.stringify(text);
}

/** The committed file as it should be. */
export function asyncApiText(version: string): string {
  return `# Made by test/support/renew-asyncapi.ts from the subjects and the message descriptors; do not edit.\n${toYaml(makeAsyncApi(version)).trimStart()}\n`;
}
