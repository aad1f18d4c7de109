import { type DescEnum, type DescField, type DescMessage, getOption, ScalarType } from '@bufbuild/protobuf';
import {
  type FieldRules,
  field as fieldRules,
  oneof as oneofRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { expect, test } from 'vitest';
import { ReservationSchema } from '../../src/gen/earmark/v1/reservation_pb.ts';
import { loadGeneratedFiles } from '../support/generated-files.ts';

const files = await loadGeneratedFiles();
const requests = files.flatMap((file) => file.services.flatMap((service) => service.methods.map((rpc) => rpc.input)));
const inboundNames = [
  'AllocationResult',
  'PickStarted',
  'PickAborted',
  'PickConfirmed',
  'PickShorted',
  'ShipmentConfirmed',
  'UnitSubstituted',
  'InventoryAdjusted',
  'InventoryCounted',
  'ItemReceived',
  'WmsStatus',
  'SnapshotRequest',
  'ResendRequest',
];
const inbound = files
  .flatMap((file) => file.messages)
  .filter((message) => message.typeName.startsWith('earmark.wms.v1.') && inboundNames.includes(message.name));

const TIMESTAMP = 'google.protobuf.Timestamp';
const DURATION = 'google.protobuf.Duration';

/** Every message that can stand anywhere in a message that others send to us. */
function reachable(roots: readonly DescMessage[]): DescMessage[] {
  const found = new Map<string, DescMessage>();
  const visit = (message: DescMessage) => {
    if (found.has(message.typeName) || message.typeName.startsWith('google.')) return;
    found.set(message.typeName, message);
    for (const field of message.fields) if (field.message) visit(field.message);
  };
  for (const root of roots) visit(root);
  return [...found.values()];
}

type Part = {
  readonly scalar?: ScalarType | undefined;
  readonly enum?: DescEnum | undefined;
  readonly message?: DescMessage | undefined;
};

function isBound(part: Part, rules: FieldRules | undefined): boolean {
  if (part.message) {
    const kind = { [TIMESTAMP]: 'timestamp', [DURATION]: 'duration' }[part.message.typeName];
    return kind === undefined || rules?.type.case === kind;
  }
  if (part.enum) return rules?.type.case === 'enum' && rules.type.value.definedOnly === true;
  if (part.scalar === ScalarType.BOOL) return true;
  if (part.scalar === ScalarType.STRING) return rules?.type.case === 'string' && rules.type.value.pattern !== '';
  return rules?.type.case !== undefined;
}

function isFieldBound(field: DescField): boolean {
  const rules = getOption(field, fieldRules);
  if (field.fieldKind === 'list') {
    if (rules.type.case !== 'repeated' || rules.type.value.maxItems === 0n) return false;
    return isBound({ scalar: field.scalar, enum: field.enum, message: field.message }, rules.type.value.items);
  }
  if (field.fieldKind === 'map') {
    if (rules.type.case !== 'map' || rules.type.value.maxPairs === 0n) return false;
    const { keys, values } = rules.type.value;
    return (
      isBound({ scalar: field.mapKey }, keys) &&
      isBound({ scalar: field.scalar, enum: field.enum, message: field.message }, values)
    );
  }
  return isBound({ scalar: field.scalar, enum: field.enum, message: field.message }, rules);
}

test('every field that others may send is bounded', () => {
  expect(inbound.map((message) => message.name).sort()).toEqual([...inboundNames].sort());
  const unbound = reachable([...requests, ...inbound])
    .flatMap((message) => message.fields)
    .filter((field) => !isFieldBound(field))
    .map(String);
  expect(unbound).toEqual([]);
});

test('a field without rules would be found', () => {
  const plain = ReservationSchema.fields.filter(
    (field) => field.fieldKind !== 'message' || field.name.endsWith('_time'),
  );
  expect(plain.filter(isFieldBound).map((field) => field.name)).toEqual([]);
});

test('every target is required', () => {
  const targets = reachable(requests).flatMap((message) => message.oneofs.filter((oneof) => oneof.name === 'target'));
  expect(targets).toHaveLength(9);
  for (const target of targets) {
    expect(getOption(target, oneofRules).required).toBe(true);
    expect(target.fields.map((field) => field.name)).toEqual(['reservation_id', 'tracking_id', 'exchange_id']);
  }
});
