import type { JsonObject } from '@bufbuild/protobuf';
import { ReservationService } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { held, line, type MoveCase, other, otherSku, reserved, sharedRefusals } from './move-cases.ts';
import { byExchange, type CaseWorld, type Step } from './wire-cases.ts';

const { reserve, release, getReservation } = ReservationService.method;

function replaceBy(world: CaseWorld, lines: JsonObject[], changes: JsonObject = {}): Step {
  return held(world, { requestId: world.id('again'), replaceExisting: true, lines, ...changes });
}

/** What Reserve with `replace_existing` answers over every door. */
export const REPLACE_CASES: readonly MoveCase[] = [
  {
    name: 'replaces what the exchange holds',
    before: (world) => [held(world)],
    step: (world) => replaceBy(world, other(world)),
    code: 'OK',
    json: (world) => reserved([{ lineNumber: 2, sku: otherSku(world), quantity: 1 }], 'v2'),
  },
  {
    name: 'repeats the first answer to a replacement',
    before: (world) => [held(world), replaceBy(world, other(world))],
    step: (world) => replaceBy(world, other(world)),
    code: 'OK',
    json: () => ({ replayed: true, reservation: { etag: 'v2' } }),
  },
  {
    name: 'only says what a replacement would hold when validating',
    before: (world) => [held(world), replaceBy(world, other(world), { requestId: '', validateOnly: true })],
    step: (world) => ({ method: getReservation, request: { exchangeId: world.id('exchange') } }),
    code: 'OK',
    json: (world) => reserved([{ lineNumber: 1, sku: world.sku }], 'v1'),
  },
  {
    name: 'reserves where there is nothing to replace',
    step: (world) => replaceBy(world, other(world)),
    code: 'OK',
    json: () => ({ reservation: { etag: 'v1' } }),
  },
  {
    name: 'reserves anew where what there was is released',
    before: (world) => [held(world), byExchange(release, world)],
    step: (world) => replaceBy(world, other(world)),
    code: 'OK',
    json: () => ({ reservation: { etag: 'v1' } }),
  },
  {
    name: 'does not replace by more than there is',
    before: (world) => [held(world)],
    step: (world) => replaceBy(world, other(world, 900)),
    code: 'FAILED_PRECONDITION',
    reason: 'NO_STOCK',
  },
  {
    name: 'replaces nothing that the rules refuse',
    before: (world) => [held(world)],
    step: (world) => replaceBy(world, other(world), { facts: { reason: 'ABUSE' } }),
    code: 'FAILED_PRECONDITION',
    reason: 'NOT_ELIGIBLE',
  },
  {
    name: 'does not count the lines of one order on another',
    before: (world) => [held(world)],
    step: (world) =>
      replaceBy(world, [line(world.sku, 1, { orderLineId: 'l1' })], { orderId: world.id('another order') }),
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    fields: ['order_id'],
  },
  {
    name: 'still refuses a second reservation that does not replace',
    before: (world) => [held(world), replaceBy(world, other(world))],
    step: (world) => ({ method: reserve, request: { ...held(world).request, requestId: world.id('third') } }),
    code: 'ALREADY_EXISTS',
    reason: 'EXCHANGE_ALREADY_RESERVED',
  },
  ...sharedRefusals('replaces', (world) => replaceBy(world, other(world))),
];
