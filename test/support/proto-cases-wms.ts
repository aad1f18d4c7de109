import type { DescMessage } from '@bufbuild/protobuf';
import * as answers from '../../src/gen/earmark/wms/v1/pick_answers_pb.ts';
import { ResendRequestSchema, SnapshotRequestSchema } from '../../src/gen/earmark/wms/v1/requests_pb.ts';
import * as reports from '../../src/gen/earmark/wms/v1/stock_reports_pb.ts';
import type { BadCases, ProtoCase } from './proto-case.ts';

const head = { messageId: 'm-1', warehouse: 'BER', occurredTime: '2026-01-31T12:00:00Z' };
const line = { lineNumber: 1, sku: 'SHOE-42', quantity: 1 };

const headCases: BadCases = [
  ['no message id', { messageId: '' }, 'messageId string.min_bytes'],
  ['a message id of 65 bytes', { messageId: 'x'.repeat(65) }, 'messageId string.max_bytes'],
  ['no warehouse', { warehouse: '' }, 'warehouse string.min_bytes'],
  ['no instant', { occurredTime: undefined }, 'occurredTime required'],
];

const answer = (schema: DescMessage): ProtoCase => ({
  schema,
  valid: { ...head, trackingId: 'T-1', lines: [line] },
  good: [['no lines', { lines: [] }]],
  bad: [
    ...headCases,
    ['no reservation', { trackingId: '' }, 'trackingId string.min_bytes'],
    ['-1 units', { lines: [{ ...line, quantity: -1 }] }, 'lines[0].quantity int32.gte_lte'],
    ['no SKU', { lines: [{ lineNumber: 1 }] }, 'lines[0].sku string.min_bytes'],
    ['a unit twice', { lines: [{ ...line, unitIds: ['U', 'U'] }] }, 'lines[0].unitIds repeated.unique'],
  ],
});

/** The messages a warehouse sends. */
export const WMS_CASES: readonly ProtoCase[] = [
  answer(answers.AllocationResultSchema),
  answer(answers.PickStartedSchema),
  answer(answers.PickAbortedSchema),
  answer(answers.PickConfirmedSchema),
  answer(answers.PickShortedSchema),
  answer(answers.ShipmentConfirmedSchema),
  {
    schema: reports.UnitSubstitutedSchema,
    valid: { ...head, trackingId: 'T-1', from: line, to: line },
    bad: [...headCases, ['nothing instead', { to: undefined }, 'to required']],
  },
  {
    schema: reports.InventoryAdjustedSchema,
    valid: { ...head, sku: 'S', onHandDelta: -1 },
    good: [['an absolute number', { onHandDelta: 0, onHand: 0 }]],
    bad: [...headCases, ['nothing', { onHandDelta: 0 }, ' inventory_adjusted.something']],
  },
  {
    schema: reports.InventoryCountedSchema,
    valid: { ...head, countId: 'c', counts: [{ sku: 'S', warehouse: 'BER', onHand: 3 }] },
    bad: [...headCases, ['no counts', { counts: [] }, 'counts repeated.min_items']],
  },
  {
    schema: reports.ItemReceivedSchema,
    valid: { ...head, line: { sku: 'S', quantity: 1 } },
    bad: [...headCases, ['nothing', { line: undefined }, 'line required']],
  },
  {
    schema: reports.WmsStatusSchema,
    valid: head,
    bad: [...headCases, ['a negative backlog', { backlog: '-1' }, 'backlog int64.gte']],
  },
  { schema: SnapshotRequestSchema, valid: head, bad: headCases },
  {
    schema: ResendRequestSchema,
    valid: { ...head, startTime: '2026-01-01T00:00:00Z' },
    bad: [...headCases, ['no beginning', { startTime: undefined }, 'startTime required']],
  },
];
