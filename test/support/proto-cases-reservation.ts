import * as messages from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import {
  BatchReserveRequestSchema,
  ReserveRequestSchema,
  ReserveStreamRequestSchema,
} from '../../src/gen/earmark/v1/reserve_pb.ts';
import type { BadCases, ProtoCase } from './proto-case.ts';

const line = { sku: 'SHOE-42', quantity: 1 };
const reserve = { requestId: 'r-1', exchangeId: 'EX-1', lines: [line] };
const target = { requestId: 'r-1', trackingId: 'T-1' };
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const unitIds = (count: number) => times(count, (index) => `U-${index}`);
const attributes = (count: number) => Object.fromEntries(times(count, (index) => [`k${index}`, 'v']));

const idCases = (field: string, required: boolean): BadCases => [
  [`${field} of 129 characters`, { [field]: 'x'.repeat(129) }, `${field} string.max_len`],
  [`${field} with U+0000`, { [field]: 'a\u0000b' }, `${field} string.pattern`],
  [`${field} with a line break`, { [field]: 'a\nb' }, `${field} string.pattern`],
  [`${field} with a change of direction`, { [field]: 'a\u202eb' }, `${field} string.pattern`],
  [`${field} with an invisible blank`, { [field]: 'a\u200bb' }, `${field} string.pattern`],
  [`${field} with a combining accent`, { [field]: 'cafe\u0301' }, `${field} string.pattern`],
  ...(required ? ([[`${field} missing`, { [field]: '' }, `${field} string.min_len`]] as const) : []),
];

const targetCases: BadCases = [
  ['no target', { trackingId: undefined }, 'target required'],
  ['an empty target', { trackingId: '' }, 'trackingId string.min_len'],
];

const requestId: BadCases = idCases('requestId', true);

const reserving: ProtoCase = {
  schema: ReserveRequestSchema,
  valid: reserve,
  good: [
    ['128 characters', { requestId: 'x'.repeat(128), exchangeId: 'é'.repeat(128) }],
    ['no request id, only validating', { requestId: '', validateOnly: true }],
    ['the same line twice', { lines: [line, line] }],
    ['100 lines', { lines: times(100, () => line) }],
    ['a returned item instead of a SKU', { lines: [{ returnedSku: 'SHOE-41', quantity: 1 }] }],
    ['a million units', { lines: [{ sku: 'S', quantity: 1_000_000 }] }],
    ['1,000 units by id', { lines: [{ sku: 'S', quantity: 1000, unitIds: unitIds(1000) }] }],
    ['an SKU that would need encoding', { lines: [{ sku: 'a.b *>ü/_', quantity: 1 }] }],
    ['128 bytes of SKU', { lines: [{ sku: 'ü'.repeat(64), quantity: 1 }] }],
    ['no hold', { holdWindow: '0s' }],
    ['a hold', { holdWindow: '3600s', shortfallPolicy: 'SHORTFALL_POLICY_WAITLIST', priority: -5 }],
    ['facts', { facts: { deliveredTime: '2026-01-31T12:00:00Z', reason: 'SIZE', attributes: attributes(32) } }],
    ['a destination', { destination: { countryCode: 'DE', postalCode: '10115' } }],
  ],
  bad: [
    ['no request id', { requestId: '' }, ' reserve.request_id'],
    ...idCases('requestId', false),
    ...idCases('exchangeId', true),
    ...idCases('returnCaseId', false),
    ...idCases('orderId', false),
    ...idCases('customerRef', false),
    ['the name of a customer', { customerRef: 'Jane Doe' }, 'customerRef string.pattern'],
    ['the address of a customer', { customerRef: 'jane@example.com' }, 'customerRef string.pattern'],
    ['a channel of 65 bytes', { channel: 'x'.repeat(65) }, 'channel string.max_bytes'],
    ['no lines', { lines: [] }, 'lines repeated.min_items'],
    ['101 lines', { lines: times(101, () => line) }, 'lines repeated.max_items'],
    ['no SKU', { lines: [{ quantity: 1 }] }, 'lines[0] reserve_line.sku'],
    ['129 bytes of SKU', { lines: [{ sku: `${'ü'.repeat(64)}x`, quantity: 1 }] }, 'lines[0].sku string.max_bytes'],
    ['a control character', { lines: [line, { sku: 'a\u007f', quantity: 1 }] }, 'lines[1].sku string.pattern'],
    ['0 units', { lines: [{ sku: 'S', quantity: 0 }] }, 'lines[0].quantity int32.gte_lte'],
    ['-1 units', { lines: [{ sku: 'S', quantity: -1 }] }, 'lines[0].quantity int32.gte_lte'],
    ['1,000,001 units', { lines: [{ sku: 'S', quantity: 1_000_001 }] }, 'lines[0].quantity int32.gte_lte'],
    ['2^31-1 units', { lines: [{ sku: 'S', quantity: 2_147_483_647 }] }, 'lines[0].quantity int32.gte_lte'],
    ['bought -1', { lines: [{ ...line, purchasedQuantity: -1 }] }, 'lines[0].purchasedQuantity int32.gte_lte'],
    ['1,001 units by id', { lines: [{ ...line, unitIds: unitIds(1001) }] }, 'lines[0].unitIds repeated.max_items'],
    ['a unit twice', { lines: [{ ...line, unitIds: ['U', 'U'] }] }, 'lines[0].unitIds repeated.unique'],
    ['an empty unit', { lines: [{ ...line, unitIds: [''] }] }, 'lines[0].unitIds[0] string.min_len'],
    [
      'a warehouse of 65 bytes',
      { lines: [{ ...line, warehouse: 'x'.repeat(65) }] },
      'lines[0].warehouse string.max_bytes',
    ],
    [
      '33 wishes',
      { lines: [{ ...line, wantedAttributes: attributes(33) }] },
      'lines[0].wantedAttributes map.max_pairs',
    ],
    ['an empty key', { facts: { attributes: { '': 'v' } } }, 'facts.attributes[""] string.min_len'],
    ['a long value', { facts: { attributes: { k: 'x'.repeat(257) } } }, 'facts.attributes["k"] string.max_len'],
    [
      'a delivery before 1970',
      { facts: { deliveredTime: '1969-12-31T23:59:59Z' } },
      'facts.deliveredTime timestamp.gte_lte',
    ],
    ['a country by name', { destination: { countryCode: 'Germany' } }, 'destination.countryCode string.pattern'],
    ['a long postal code', { destination: { postalCode: 'x'.repeat(17) } }, 'destination.postalCode string.max_len'],
    ['a policy that does not exist', { shortfallPolicy: 9 }, 'shortfallPolicy enum.defined_only'],
    ['a hold in the past', { holdWindow: '-1s' }, 'holdWindow duration.gte_lte'],
    ['a hold of 11 years', { holdWindow: '346896000s' }, 'holdWindow duration.gte_lte'],
    ['too high a priority', { priority: 1_000_001 }, 'priority int32.gte_lte'],
  ],
};

/** The requests of ReservationService. */
export const RESERVATION_CASES: readonly ProtoCase[] = [
  reserving,
  {
    schema: BatchReserveRequestSchema,
    valid: { requests: [reserve, reserve] },
    good: [['500 requests', { requests: times(500, () => reserve) }]],
    bad: [
      ['no requests', { requests: [] }, 'requests repeated.min_items'],
      ['501 requests', { requests: times(501, () => reserve) }, 'requests repeated.max_items'],
      ['one without id', { requests: [reserve, { ...reserve, requestId: '' }] }, 'requests[1] reserve.request_id'],
    ],
  },
  {
    schema: ReserveStreamRequestSchema,
    valid: { reserve },
    bad: [
      ['nothing to reserve', { reserve: undefined }, 'reserve required'],
      ['no exchange', { reserve: { ...reserve, exchangeId: '' } }, 'reserve.exchangeId string.min_len'],
    ],
  },
  {
    schema: messages.ReleaseRequestSchema,
    valid: target,
    good: [
      ['by exchange', { trackingId: undefined, exchangeId: 'EX-1' }],
      ['all fields', { reason: 'RELEASE_REASON_REFUNDED', note: 'x'.repeat(1000), etag: 'W/"1"' }],
    ],
    bad: [
      ...requestId,
      ...targetCases,
      ['a long note', { note: 'x'.repeat(1001) }, 'note string.max_len'],
      ['a note with U+0000', { note: '\u0000' }, 'note string.pattern'],
      ['words of people', { note: 'asked by Jane Doe' }, 'note string.pattern'],
      ['a reason that does not exist', { reason: 99 }, 'reason enum.defined_only'],
      ['an etag with a blank', { etag: 'a b' }, 'etag string.pattern'],
    ],
  },
  {
    schema: messages.FulfilRequestSchema,
    valid: target,
    good: [['a part', { lines: [{ lineNumber: 1, quantity: 1, unitIds: ['U-1'] }], close: true }]],
    bad: [
      ...requestId,
      ...targetCases,
      ['line 0', { lines: [{ lineNumber: 0, quantity: 1 }] }, 'lines[0].lineNumber int32.gte_lte'],
      ['0 units', { lines: [{ lineNumber: 1, quantity: 0 }] }, 'lines[0].quantity int32.gte_lte'],
    ],
  },
  {
    schema: messages.ExtendRequestSchema,
    valid: { ...target, expireTime: '2026-12-31T00:00:00Z' },
    bad: [...requestId, ...targetCases, ['no deadline', { expireTime: undefined }, 'expireTime required']],
  },
  {
    schema: messages.SwapRequestSchema,
    valid: { ...target, lines: [line] },
    bad: [
      ...requestId,
      ...targetCases,
      ['no lines', { lines: [] }, 'lines repeated.min_items'],
      ['no SKU', { lines: [{ quantity: 1 }] }, 'lines[0] reserve_line.sku'],
    ],
  },
  {
    schema: messages.TransferRequestSchema,
    valid: { ...target, toWarehouse: 'BER' },
    good: [['a part', { lines: [{ lineNumber: 1, quantity: 1 }] }]],
    bad: [
      ...requestId,
      ...targetCases,
      ['nowhere', { toWarehouse: '' }, 'toWarehouse string.min_bytes'],
      ['0 units', { lines: [{ lineNumber: 1, quantity: 0 }] }, 'lines[0].quantity int32.gte_lte'],
    ],
  },
  {
    schema: messages.ReportMilestoneRequestSchema,
    valid: { ...target, milestone: 'MILESTONE_COMPLETED' },
    bad: [
      ...requestId,
      ...targetCases,
      ['no milestone', { milestone: undefined }, 'milestone enum.not_in'],
      ['a milestone that does not exist', { milestone: 10 }, 'milestone enum.defined_only'],
    ],
  },
  { schema: messages.GetReservationRequestSchema, valid: { trackingId: 'T-1' }, bad: targetCases },
  {
    schema: messages.ListReservationsRequestSchema,
    valid: {},
    good: [
      ['a full page', { pageSize: 500, states: ['RESERVATION_STATE_RESERVED', 'RESERVATION_STATE_READY'] }],
      [
        'all filters',
        { sku: 'S', warehouse: 'BER', unitId: 'U', createdBefore: '2026-01-01T00:00:00Z', onlyShort: true },
      ],
    ],
    bad: [
      ['a page of 501', { pageSize: 501 }, 'pageSize int32.gte_lte'],
      ['a page of -1', { pageSize: -1 }, 'pageSize int32.gte_lte'],
      ['a token with a line break', { pageToken: 'a\n' }, 'pageToken string.pattern'],
      ['a long token', { pageToken: 'x'.repeat(4097) }, 'pageToken string.max_len'],
      ['no state', { states: ['RESERVATION_STATE_UNSPECIFIED'] }, 'states[0] enum.not_in'],
    ],
  },
  {
    schema: messages.WatchReservationRequestSchema,
    valid: { trackingId: 'T-1' },
    bad: targetCases,
  },
  {
    schema: messages.ExplainReservationRequestSchema,
    valid: { exchangeId: 'EX-1' },
    bad: [['no target', { exchangeId: undefined }, 'target required']],
  },
];
