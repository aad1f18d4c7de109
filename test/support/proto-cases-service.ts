import { ListEventsRequestSchema, VerifyLedgerRequestSchema } from '../../src/gen/earmark/v1/audit_service_pb.ts';
import {
  GetAvailabilityRequestSchema,
  StreamAvailabilityRequestSchema,
} from '../../src/gen/earmark/v1/availability_service_pb.ts';
import { GetKpisRequestSchema } from '../../src/gen/earmark/v1/kpi_service_pb.ts';
import {
  AcknowledgeNotificationRequestSchema,
  ListNotificationsRequestSchema,
} from '../../src/gen/earmark/v1/notification_service_pb.ts';
import * as rules from '../../src/gen/earmark/v1/rule_service_pb.ts';
import * as stock from '../../src/gen/earmark/v1/stock_service_pb.ts';
import type { BadCases, ProtoCase } from './proto-case.ts';

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const skus = (count: number) => times(count, (index) => `S-${index}`);

const requestId: BadCases = [
  ['no request id', { requestId: '' }, 'requestId string.min_len'],
  ['a request id of 129 characters', { requestId: 'x'.repeat(129) }, 'requestId string.max_len'],
  ['a request id with U+0000', { requestId: '\u0000' }, 'requestId string.pattern'],
];
const page: BadCases = [
  ['a page of 501', { pageSize: 501 }, 'pageSize int32.gte_lte'],
  ['a token with a blank', { pageToken: ' ' }, 'pageToken string.pattern'],
];
const pools: BadCases = [
  ['501 SKUs', { skus: skus(501) }, 'skus repeated.max_items'],
  ['an empty SKU', { skus: [''] }, 'skus[0] string.min_bytes'],
  ['501 warehouses', { warehouses: skus(501) }, 'warehouses repeated.max_items'],
  ['a warehouse of 65 bytes', { warehouses: ['x'.repeat(65)] }, 'warehouses[0] string.max_bytes'],
];

const item = { sku: 'SHOE-42', name: 'Shoe', tracking: 'TRACKING_SERIAL' };
const warehouse = { code: 'BER', name: 'Berlin', timeZone: 'Europe/Berlin', countryCode: 'DE', enabled: true };
const pool = { sku: 'SHOE-42', warehouse: 'BER' };
const count = { ...pool, onHand: 0 };
const ROOT = `${'A'.repeat(43)}=`;
const ruleSet = { etag: 'e-1', reason: 'Longer window', defaultHoldWindow: '1209600s' };

const STOCK_CASES: readonly ProtoCase[] = [
  {
    schema: stock.PutItemsRequestSchema,
    valid: { requestId: 'r', items: [item] },
    good: [['a kit', { items: [{ sku: 'KIT', components: [{ sku: 'A', quantity: 2 }] }] }]],
    bad: [
      ...requestId,
      ['no items', { items: [] }, 'items repeated.min_items'],
      ['501 items', { items: times(501, () => item) }, 'items repeated.max_items'],
      ['no SKU', { items: [{ name: 'x' }] }, 'items[0].sku string.min_bytes'],
      ['a long name', { items: [{ ...item, name: 'x'.repeat(201) }] }, 'items[0].name string.max_len'],
      [
        'a kit of itself',
        { items: [{ sku: 'K', components: [{ sku: 'K', quantity: 1 }] }] },
        'items[0] item.not_its_own_component',
      ],
      [
        '0 components',
        { items: [{ sku: 'K', components: [{ sku: 'A' }] }] },
        'items[0].components[0].quantity int32.gte_lte',
      ],
      [
        'twice equivalent',
        { items: [{ ...item, equivalentSkus: ['A', 'A'] }] },
        'items[0].equivalentSkus repeated.unique',
      ],
    ],
  },
  {
    schema: stock.PutWarehousesRequestSchema,
    valid: { requestId: 'r', warehouses: [warehouse] },
    bad: [
      ...requestId,
      ['no code', { warehouses: [{ ...warehouse, code: '' }] }, 'warehouses[0].code string.min_bytes'],
      [
        'a small country',
        { warehouses: [{ ...warehouse, countryCode: 'de' }] },
        'warehouses[0].countryCode string.pattern',
      ],
      [
        'a time zone in words',
        { warehouses: [{ ...warehouse, timeZone: 'Berlin time' }] },
        'warehouses[0].timeZone string.pattern',
      ],
    ],
  },
  {
    schema: stock.ReceiveStockRequestSchema,
    valid: { requestId: 'r', receipts: [{ ...pool, quantity: 5 }] },
    bad: [
      ...requestId,
      ['nothing', { receipts: [{ ...pool, quantity: 0 }] }, 'receipts[0].quantity int32.gte_lte'],
      ['nowhere', { receipts: [{ sku: 'S', quantity: 1 }] }, 'receipts[0].warehouse string.min_bytes'],
    ],
  },
  {
    schema: stock.AdjustStockRequestSchema,
    valid: { requestId: 'r', adjustments: [{ ...pool, onHandDelta: -1 }] },
    good: [['only committed', { adjustments: [{ ...pool, committedDelta: 3 }] }]],
    bad: [
      ...requestId,
      ['no difference', { adjustments: [pool] }, 'adjustments[0] stock_adjustment.something'],
      ['too much', { adjustments: [{ ...pool, onHandDelta: -1_000_001 }] }, 'adjustments[0].onHandDelta int32.gte_lte'],
    ],
  },
  {
    schema: stock.CountStockRequestSchema,
    valid: { requestId: 'r', counts: [count] },
    good: [
      ['0 expected', { counts: [{ ...count, expectedOnHand: 0, unavailable: 0, committed: 0, netOfReserved: true }] }],
    ],
    bad: [
      ...requestId,
      ['no counts', { counts: [] }, 'counts repeated.min_items'],
      ['-1 found', { counts: [{ ...count, onHand: -1 }] }, 'counts[0].onHand int32.gte_lte'],
      ['-1 expected', { counts: [{ ...count, expectedOnHand: -1 }] }, 'counts[0].expectedOnHand int32.gte_lte'],
      ['-1 unavailable', { counts: [{ ...count, unavailable: -1 }] }, 'counts[0].unavailable int32.gte_lte'],
    ],
  },
  { schema: stock.ListStockRequestSchema, valid: {}, bad: [...pools, ...page] },
  { schema: stock.ListShortagesRequestSchema, valid: {}, bad: [...pools, ...page] },
];

const RULE_CASES: readonly ProtoCase[] = [
  { schema: rules.GetRulesRequestSchema, valid: {}, bad: [['version -1', { version: '-1' }, 'version int64.gte']] },
  { schema: rules.ListRuleVersionsRequestSchema, valid: {}, bad: page },
  {
    schema: rules.PutRulesRequestSchema,
    valid: { requestId: 'r', rules: ruleSet },
    good: [
      ['an eligibility rule', { rules: { ...ruleSet, eligibility: [{ name: 'x', expression: 'a &&\n b' }] } }],
      ['a channel of its own', { rules: { ...ruleSet, channelHoldWindows: { web: '60s' } } }],
    ],
    bad: [
      ...requestId,
      ['no rules', { rules: undefined }, 'rules required'],
      ['no etag', { rules: { ...ruleSet, etag: '' } }, ' put_rules.etag'],
      ['no reason', { rules: { ...ruleSet, reason: '' } }, ' put_rules.reason'],
      ['101 lines', { rules: { ...ruleSet, maxLines: 101 } }, 'rules.maxLines int32.gte_lte'],
      [
        '101 percent',
        { rules: { ...ruleSet, safetyStocks: [{ percent: 101 }] } },
        'rules.safetyStocks[0].percent int32.gte_lte',
      ],
      [
        'no expression',
        { rules: { ...ruleSet, eligibility: [{ name: 'x' }] } },
        'rules.eligibility[0].expression string.min_len',
      ],
      ['no milestone', { rules: { ...ruleSet, milestones: [{}] } }, 'rules.milestones[0].milestone enum.not_in'],
      [
        'a negative window',
        { rules: { ...ruleSet, channelHoldWindows: { web: '-1s' } } },
        'rules.channelHoldWindows["web"] duration.gte_lte',
      ],
    ],
  },
  {
    schema: rules.SimulateRulesRequestSchema,
    valid: { rules: {} },
    bad: [
      ['no rules', { rules: undefined }, 'rules required'],
      ['101 examples', { maxExamples: 101 }, 'maxExamples int32.gte_lte'],
    ],
  },
  {
    schema: rules.ApplyRulesRequestSchema,
    valid: { requestId: 'r', reason: 'New window', reservationIds: ['a'] },
    good: [['by filter', { reservationIds: [], sku: 'S' }]],
    bad: [
      ...requestId,
      ['no choice', { reservationIds: [] }, ' apply_rules.choice'],
      ['no reason', { reason: '' }, 'reason string.min_len'],
      ['one twice', { reservationIds: ['a', 'a'] }, 'reservationIds repeated.unique'],
      ...page,
    ],
  },
];

/** The requests of every service but ReservationService. */
export const SERVICE_CASES: readonly ProtoCase[] = [
  ...STOCK_CASES,
  ...RULE_CASES,
  {
    schema: GetAvailabilityRequestSchema,
    valid: { skus: ['S'] },
    good: [
      ['500 SKUs', { skus: skus(500) }],
      ['one twice', { skus: ['S', 'S'] }],
    ],
    bad: [...pools, ['no SKU', { skus: [] }, 'skus repeated.min_items']],
  },
  {
    schema: StreamAvailabilityRequestSchema,
    valid: {},
    bad: [...pools, ['a token with a blank', { resumeToken: ' ' }, 'resumeToken string.pattern']],
  },
  {
    schema: ListEventsRequestSchema,
    valid: {},
    bad: [...page, ['an empty kind', { kinds: [''] }, 'kinds[0] string.min_len']],
  },
  {
    schema: VerifyLedgerRequestSchema,
    valid: {},
    good: [['a checkpoint', { knownCheckpoints: [{ size: '1', root: ROOT }] }]],
    bad: [
      ...pools,
      ['a checkpoint over nothing', { knownCheckpoints: [{ root: ROOT }] }, 'knownCheckpoints[0].size int64.gt'],
      ['a short root', { knownCheckpoints: [{ size: '1', root: 'AA==' }] }, 'knownCheckpoints[0].root bytes.len'],
    ],
  },
  {
    schema: GetKpisRequestSchema,
    valid: { startTime: '2026-01-01T00:00:00Z', endTime: '2026-02-01T00:00:00Z' },
    good: [
      ['no period', { startTime: undefined, endTime: undefined }],
      ['a page of a list', { list: 'KPI_SELECTION_EXPIRED', pageSize: 500, pageToken: 'x' }],
    ],
    bad: [
      ['a period of nothing', { endTime: '2026-01-01T00:00:00Z' }, ' get_kpis.period'],
      ['a grouping that does not exist', { groupBy: 9 }, 'groupBy enum.defined_only'],
      ['a list that does not exist', { list: 9 }, 'list enum.defined_only'],
      ['a page of nothing', { pageToken: 'x' }, ' get_kpis.page'],
      ['too many on a page', { pageSize: 501 }, 'pageSize int32.gte_lte'],
    ],
  },
  { schema: ListNotificationsRequestSchema, valid: {}, bad: page },
  {
    schema: AcknowledgeNotificationRequestSchema,
    valid: { requestId: 'r', notificationId: 'n' },
    bad: [...requestId, ['no notification', { notificationId: '' }, 'notificationId string.min_len']],
  },
];
