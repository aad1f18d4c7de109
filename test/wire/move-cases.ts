import type { DescMethodUnary, JsonObject } from '@bufbuild/protobuf';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { byExchange, type CaseWorld, reserveStep, type Step, type WireCase } from './wire-cases.ts';

/** A case about a reservation of two units of `sku` in W1. */
export interface MoveCase extends WireCase {
  /** What happens to the reservation before the call: a warehouse begins, or its deadline passes. */
  readonly after?: 'pick' | 'deadline';
}

const { swap, transfer, release, fulfil, getReservation } = ReservationService.method;

/** A second SKU of a case's client, which there is as much of. */
export function otherSku(world: CaseWorld): string {
  return `${world.sku} other`;
}

/** Two units in W1, of an order line of which three were bought. */
export function held(world: CaseWorld, changes: JsonObject = {}): Step {
  const line = { sku: world.sku, quantity: 2, warehouse: 'W1', orderLineId: 'l1', purchasedQuantity: 3 };
  return reserveStep(world, { lines: [line], ...changes });
}

function swapTo(world: CaseWorld, lines: JsonObject[], changes: JsonObject = {}): Step {
  return byExchange(swap, world, { lines, ...changes });
}

function moveTo(world: CaseWorld, toWarehouse: string, changes: JsonObject = {}): Step {
  return byExchange(transfer, world, { toWarehouse, ...changes });
}

export const line = (sku: string, quantity: number, more: JsonObject = {}): JsonObject => ({ sku, quantity, ...more });
export const other = (world: CaseWorld, quantity = 1) => [line(otherSku(world), quantity)];
export const reserved = (lines: JsonObject[], etag: string) => ({
  reservation: { state: 'RESERVATION_STATE_RESERVED', etag, lines },
});

/** The refusals that the three ways to move a reservation share. */
export function sharedRefusals(name: string, move: (world: CaseWorld) => Step): MoveCase[] {
  const resolved = (method: DescMethodUnary) => (world: CaseWorld) => [held(world), byExchange(method, world)];
  return [
    {
      name: `${name} not what a warehouse has begun`,
      before: (world) => [held(world)],
      after: 'pick',
      step: move,
      code: 'FAILED_PRECONDITION',
      reason: 'BEING_PICKED',
      metadata: () => ({ state: 'PREPARING' }),
    },
    {
      name: `${name} not what was fulfilled`,
      before: resolved(fulfil),
      step: move,
      code: 'FAILED_PRECONDITION',
      reason: 'ALREADY_FULFILLED',
    },
    ...(name === 'replaces'
      ? []
      : [
          {
            name: `${name} not what was released`,
            before: resolved(release),
            step: move,
            code: 'FAILED_PRECONDITION',
            reason: 'ALREADY_RELEASED',
          },
          {
            name: `${name} not what is past its deadline`,
            before: (world: CaseWorld) => [held(world, { holdWindow: '1s' })],
            after: 'deadline' as const,
            step: move,
            code: 'FAILED_PRECONDITION',
            reason: 'EXPIRED',
            metadata: () => ({ state: 'EXPIRED' }),
          },
          {
            name: `${name} nothing where there is no reservation`,
            step: move,
            code: 'NOT_FOUND',
            reason: 'UNKNOWN_RESERVATION',
          },
        ]),
  ];
}

const SWAPS: readonly MoveCase[] = [
  {
    name: 'swaps the lines, and shows only the new ones',
    before: (world) => [held(world)],
    step: (world) => swapTo(world, other(world)),
    code: 'OK',
    json: (world) => reserved([{ lineNumber: 2, sku: otherSku(world), quantity: 1, reservedQuantity: 1 }], 'v2'),
  },
  {
    name: 'shows only the new lines to whoever reads later',
    before: (world) => [held(world), swapTo(world, other(world))],
    step: (world) => ({ method: getReservation, request: { exchangeId: world.id('exchange') } }),
    code: 'OK',
    json: (world) => reserved([{ lineNumber: 2, sku: otherSku(world) }], 'v2'),
  },
  {
    name: 'repeats the first answer to a swap',
    before: (world) => [held(world), swapTo(world, other(world))],
    step: (world) => swapTo(world, other(world)),
    code: 'OK',
    json: (world) => ({ replayed: true, ...reserved([{ lineNumber: 2, sku: otherSku(world) }], 'v2') }),
  },
  {
    name: 'swaps to what there is where part of it will do',
    before: (world) => [held(world)],
    step: (world) =>
      swapTo(world, [...other(world), line(world.sku, 1, { warehouse: 'EMPTY' })], {
        shortfallPolicy: 'SHORTFALL_POLICY_PARTIAL',
      }),
    code: 'OK',
    json: (world) =>
      reserved(
        [
          { sku: otherSku(world), reservedQuantity: 1 },
          { sku: world.sku, quantity: 1 },
        ],
        'v2',
      ),
  },
  {
    name: 'gives the order line back before it counts on it',
    before: (world) => [held(world)],
    step: (world) => swapTo(world, [line(otherSku(world), 3, { orderLineId: 'l1' })]),
    code: 'OK',
  },
  {
    name: 'swaps to no more than was bought',
    before: (world) => [held(world)],
    step: (world) => swapTo(world, [line(otherSku(world), 4, { orderLineId: 'l1' })]),
    code: 'FAILED_PRECONDITION',
    reason: 'ORDER_LINE_EXHAUSTED',
    metadata: () => ({ purchased: '3', requested: '4' }),
  },
  {
    name: 'does not swap to more than there is',
    before: (world) => [held(world)],
    step: (world) => swapTo(world, other(world, 900)),
    code: 'FAILED_PRECONDITION',
    reason: 'NO_STOCK',
    metadata: (world) => ({ sku: otherSku(world), requested: '900' }),
  },
  {
    name: 'does not swap to an item nobody knows',
    before: (world) => [held(world)],
    step: (world) => swapTo(world, [line('nowhere', 1)]),
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_SKU',
  },
  {
    name: 'does not swap into a warehouse nobody knows',
    before: (world) => [held(world)],
    step: (world) => swapTo(world, [line(world.sku, 1, { warehouse: 'W9' })]),
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_WAREHOUSE',
  },
  {
    name: 'swaps to no more units than the rules allow',
    before: (world) => [held(world)],
    step: (world) => swapTo(world, other(world, 1_001)),
    code: 'FAILED_PRECONDITION',
    reason: 'RULE_LIMIT',
  },
  {
    name: 'does not swap what has changed since it was read',
    before: (world) => [held(world)],
    step: (world) => swapTo(world, other(world), { etag: 'v9' }),
    code: 'ABORTED',
    reason: 'ETAG_MISMATCH',
    retryDelayMs: 0,
  },
  {
    name: 'refuses the id of one swap for another',
    before: (world) => [held(world), swapTo(world, other(world))],
    step: (world) => swapTo(world, other(world, 2)),
    code: 'INVALID_ARGUMENT',
    reason: 'REQUEST_ID_REUSED',
  },
  ...sharedRefusals('swaps', (world) => swapTo(world, other(world))),
];

const TRANSFERS: readonly MoveCase[] = [
  {
    name: 'moves everything to another warehouse',
    before: (world) => [held(world)],
    step: (world) => moveTo(world, 'W2'),
    code: 'OK',
    json: () => reserved([{ lineNumber: 1, allocations: [{ warehouse: 'W2', quantity: 2 }] }], 'v2'),
  },
  {
    name: 'moves a part of a line',
    before: (world) => [held(world)],
    step: (world) => moveTo(world, 'W2', { lines: [{ lineNumber: 1, quantity: 1 }] }),
    code: 'OK',
    json: () =>
      reserved(
        [
          {
            allocations: [
              { warehouse: 'W1', quantity: 1 },
              { warehouse: 'W2', quantity: 1 },
            ],
          },
        ],
        'v2',
      ),
  },
  {
    name: 'moves nothing that is there already',
    before: (world) => [held(world)],
    step: (world) => moveTo(world, 'W1'),
    code: 'OK',
    json: () => reserved([{ allocations: [{ warehouse: 'W1', quantity: 2 }] }], 'v1'),
  },
  {
    name: 'repeats the first answer to a transfer',
    before: (world) => [held(world), moveTo(world, 'W2')],
    step: (world) => moveTo(world, 'W2'),
    code: 'OK',
    json: () => ({ replayed: true, reservation: { etag: 'v2' } }),
  },
  {
    name: 'does not move to where there is not enough',
    before: (world) => [held(world, { lines: [line(world.sku, 60, { warehouse: 'W1' })] })],
    step: (world) => moveTo(world, 'EMPTY'),
    code: 'FAILED_PRECONDITION',
    reason: 'NO_STOCK',
    metadata: (world) => ({ sku: world.sku, warehouse: 'EMPTY', requested: '60', available: '0' }),
  },
  {
    name: 'does not move to a warehouse nobody knows',
    before: (world) => [held(world)],
    step: (world) => moveTo(world, 'W9'),
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_WAREHOUSE',
    metadata: () => ({ warehouse: 'W9' }),
  },
  {
    name: 'does not move more than a line holds',
    before: (world) => [held(world)],
    step: (world) => moveTo(world, 'W2', { lines: [{ lineNumber: 1, quantity: 3 }] }),
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    metadata: () => ({ line_number: '1', requested: '3', reserved: '2' }),
    fields: ['lines'],
  },
  {
    name: 'does not move what has changed since it was read',
    before: (world) => [held(world)],
    step: (world) => moveTo(world, 'W2', { etag: 'v9' }),
    code: 'ABORTED',
    reason: 'ETAG_MISMATCH',
    retryDelayMs: 0,
  },
  ...sharedRefusals('moves', (world) => moveTo(world, 'W2')),
];

/** What Swap and Transfer answer over every door. */
export const MOVE_CASES: readonly MoveCase[] = [...SWAPS, ...TRANSFERS];
