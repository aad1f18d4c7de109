import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Reservation } from '../../src/domain/reservation.ts';
import { createReservationReader } from '../../src/persistence/reservation-reader.ts';
import type { Outcome } from '../../src/ports.ts';
import type { ReserveInput } from '../../src/use-cases/reserve.ts';
import { releaseReservation } from '../../src/use-cases/resolve.ts';
import { adjustStock, putItems, receiveStock } from '../../src/use-cases/stock.ts';
import { CALL, CONTENT_HASH, madeReservation, reserveInput, reserveOne, type TestService } from './test-service.ts';

export const key = () => ({ requestId: randomUUID(), contentHash: CONTENT_HASH });
export const reasonOf = (outcome: Outcome) => (outcome.ok ? 'ok' : outcome.refusal.reason);
export const byId = ({ reservationId }: Reservation) => ({ by: 'reservation' as const, id: reservationId });

/** A request for units of one serial item: exactly these, or so many. */
export function wanted(sku: string, unitIds: readonly string[], quantity = Math.max(1, unitIds.length)): ReserveInput {
  const input = reserveInput([{ sku, quantity, orderLineId: '' }]);
  return { ...input, lines: input.lines.map((line) => ({ ...line, unitIds })) };
}

/** Warehouse and name of each unit that is held. */
export function unitsIn(reservation: Reservation): string[] {
  return reservation.lines.flatMap((line) =>
    line.allocations.flatMap((part) => (part.units ?? []).map((unit) => `${part.warehouse} ${unit.unitId}`)),
  );
}

/** Name and condition of each unit that is held. */
export function conditionsIn(reservation: Reservation): string[] {
  return reservation.lines.flatMap((line) =>
    line.allocations.flatMap((part) => (part.units ?? []).map(({ unitId, condition }) => `${unitId} ${condition}`)),
  );
}

export type SerialItems = ReturnType<typeof serialItems>;

/** What tests do with serial items of a service. Units of an item are named `<sku>-1` and so on. */
export function serialItems(service: TestService) {
  const receive = (sku: string, unitIds: readonly string[], warehouse = 'W1', quantity = unitIds.length) => {
    const receipts = [{ sku, warehouse, delta: { onHand: quantity }, unitIds }];
    return receiveStock(service, { ...key(), reason: 'delivery', receipts }, CALL);
  };
  const putTracking = (sku: string, tracking: 'QUANTITY' | 'SERIAL') => {
    const facts = { name: sku, product: '', attributes: {}, equivalentSkus: [], retired: false };
    return putItems(service, { ...key(), items: [{ itemId: randomUUID(), sku, tracking, ...facts }] }, CALL);
  };
  return {
    receive,
    putTracking,

    /** A new item with so many units in one warehouse. */
    async serial(count: number, warehouse = 'W1'): Promise<string> {
      const sku = `SERIAL-${randomUUID()}`;
      expect(reasonOf(await putTracking(sku, 'SERIAL'))).toBe('ok');
      const names = Array.from({ length: count }, (_, at) => `${sku}-${at + 1}`);
      if (count > 0) expect(reasonOf(await receive(sku, names, warehouse))).toBe('ok');
      return sku;
    },

    async hold(sku: string, unitIds: readonly string[] = [], quantity?: number): Promise<Reservation> {
      return madeReservation(await reserveOne(service, wanted(sku, unitIds, quantity)));
    },

    release(reservation: Reservation): Promise<Outcome> {
      const reason = { reason: 'CANCELLED' as const, note: '', etag: '' };
      return releaseReservation(service, { ...key(), target: byId(reservation), ...reason }, CALL);
    },

    async read(reservation: Reservation): Promise<Reservation> {
      const found = await createReservationReader(service.database.pool).find(byId(reservation));
      if (found === null) throw new TypeError('the reservation is gone');
      return found;
    },

    /** Makes one unit unavailable, or available again. */
    async damage(sku: string, at: number, unavailable = 1): Promise<void> {
      const change = { sku, warehouse: 'W1', delta: { unavailable }, unitIds: [`${sku}-${at}`] };
      expect(reasonOf(await adjustStock(service, { ...key(), reason: 'damage', adjustments: [change] }, CALL))).toBe(
        'ok',
      );
    },

    /** Warehouse, on hand, allocated and unavailable of one unit. */
    async stored(sku: string, at: number): Promise<unknown[]> {
      const result = await service.database.pool.query({
        text: 'select warehouse, on_hand, allocated, unavailable from stock_unit where sku = $1 and unit_id = $2',
        values: [sku, `${sku}-${at}`],
        rowMode: 'array',
      });
      return result.rows[0] ?? [];
    },
  };
}
