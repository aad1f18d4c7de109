import type { Pool } from 'pg';
import type { Reservation } from '../../src/domain/reservation.ts';
import type { Outcome } from '../../src/ports.ts';
import { fulfilReservation, releaseReservation } from '../../src/use-cases/resolve.ts';
import { adjustStock } from '../../src/use-cases/stock.ts';
import { swapReservation } from '../../src/use-cases/swap.ts';
import { transferReservation } from '../../src/use-cases/transfer.ts';
import { applyWarehouseMessage, type PickEvent } from '../../src/use-cases/warehouse-message.ts';
import { byId, key, serialItems, wanted } from '../support/serial-items.ts';
import { CALL, CONTENT_HASH, reserveOne, type TestService } from '../support/test-service.ts';
import type { SeededRandom } from './random.ts';

const WAREHOUSES = ['W1', 'W1', 'W1', 'W2'] as const;

/**
 * What must hold of the units of one item after every step, as one statement: each row it answers is broken. What is past
 * its deadline is looked at by nobody before it is swept.
 */
const BROKEN = `
with held as (
  select a.*, u.on_hand, u.unavailable, u.allocated, u.warehouse as place, r.resolve_time
  from allocated_unit a join stock_unit u using (sku, unit_id) join reservation r using (reservation_id)
  where a.sku = $1 and a.held)
select 'held by a resolved reservation ' || unit_id as broken from held where resolve_time is not null
union all
select 'held and not allocated ' || unit_id from held where not allocated or place <> warehouse
union all
select 'allocated and not held ' || unit_id from stock_unit u where u.sku = $1 and u.allocated
  and not exists (select 1 from held h where h.unit_id = u.unit_id)
union all
select 'lost and not missing ' || unit_id from held where condition in ('HELD', 'PICKED') and (unavailable or not on_hand)
union all
select 'missing and there ' || unit_id from held where condition = 'MISSING' and on_hand and not unavailable
union all
select 'missing though another is free ' || h.unit_id from held h where h.condition = 'MISSING' and exists (
  select 1 from stock_unit f where f.sku = $1 and f.warehouse = h.warehouse and f.on_hand and not f.allocated and not f.unavailable)
union all
select 'counted otherwise ' || p.warehouse from stock_pool p where p.sku = $1 and (p.on_hand, p.reserved, p.unavailable)
  <> (select (count(*) filter (where on_hand))::int, (count(*) filter (where allocated))::int,
    (count(*) filter (where unavailable))::int from stock_unit u where u.sku = p.sku and u.warehouse = p.warehouse)
union all
select 'line counted otherwise ' || a.line_number from allocation a join reservation r using (reservation_id)
  where a.sku = $1 and (a.reserved, a.picked, a.short, a.missing) <> (
    select count(*)::int, (count(*) filter (where condition = 'PICKED'))::int,
      (count(*) filter (where condition = 'SHORT'))::int, (count(*) filter (where condition = 'MISSING'))::int
    from held h where h.reservation_id = a.reservation_id and h.line_number = a.line_number and h.warehouse = a.warehouse)
union all
select 'waits though enough is free ' || w.reservation_id from waitlist w where w.sku = $1 and w.units <= (
  select count(*) from stock_unit u where u.sku = w.sku and w.warehouse in ('', u.warehouse)
    and u.on_hand and not u.allocated and not u.unavailable)`;

/** Names what is broken of an item. */
export async function brokenUnits(pool: Pool, sku: string): Promise<string[]> {
  const result = await pool.query<{ broken: string }>({ name: 'broken-units', text: BROKEN, values: [sku] });
  return result.rows.map((row) => row.broken);
}

/** Commands on one serial item in random order by two processes, one after another or two at once. */
export class SerialHistory {
  readonly #services: readonly [TestService, TestService];
  readonly #random: SeededRandom;
  readonly #sku: string;
  readonly #made: Reservation[] = [];
  #named = 0;

  constructor(services: readonly [TestService, TestService], random: SeededRandom, sku: string) {
    this.#services = services;
    this.#random = random;
    this.#sku = sku;
  }

  /** One command, or two at once. @returns what was done, with how it was answered */
  async step(): Promise<string> {
    const [one, two] = this.#services;
    if (!this.#random.chance(0.2)) return await this.#any(this.#random.pick([one, two]));
    return (await Promise.all([this.#any(one), this.#any(two)])).join(' | ');
  }

  async #any(service: TestService): Promise<string> {
    const names = ['receive', 'adjust', 'reserve', 'release', 'fulfil', 'swap', 'transfer', 'pick'] as const;
    const weights = [4, 4, 6, 2, 2, 2, 2, 4] as const;
    const name = this.#random.weighted(names.map((one, at) => [weights[at] ?? 1, one] as const));
    const outcome = await this.#run(service, name);
    if (typeof outcome === 'string') return `${name} ${outcome}`;
    if (!outcome.ok) return `${name} ${outcome.refusal.reason}`;
    const made = outcome.answer.kind === 'reservation' ? outcome.answer.reservation : null;
    if (name === 'reserve' && made !== null) this.#made.push(made);
    return `${name} ok`;
  }

  async #run(service: TestService, name: string): Promise<Outcome | string> {
    const unitIds = this.#units();
    const warehouse = this.#random.pick(WAREHOUSES);
    if (name === 'receive') return await this.#receive(service, warehouse);
    if (name === 'adjust') return await this.#adjust(service, unitIds.slice(0, 1), warehouse);
    if (name === 'reserve') return await this.#reserve(service, unitIds);
    const found = this.#made.length === 0 ? null : this.#random.pick(this.#made);
    return found === null ? 'nothing' : await this.#change(service, name, found, unitIds, warehouse);
  }

  /** New units mostly; sometimes one that was there before. */
  async #receive(service: TestService, warehouse: string): Promise<Outcome> {
    const fresh = Array.from({ length: this.#random.int(1, 3) }, () => this.#newName());
    const unitIds = this.#random.chance(0.7) ? fresh : this.#units().slice(0, 1);
    return await serialItems(service).receive(this.#sku, unitIds, warehouse);
  }

  #newName(): string {
    this.#named += 1;
    return `U${this.#named}`;
  }

  async #adjust(service: TestService, unitIds: readonly string[], warehouse: string): Promise<Outcome> {
    const delta = this.#random.weighted([
      [4, { unavailable: 1 }],
      [2, { unavailable: -1 }],
      [3, { onHand: -1 }],
    ]);
    const adjustments = [{ sku: this.#sku, warehouse, delta, unitIds }];
    return await adjustStock(service, { ...key(), reason: 'simulated', adjustments }, CALL);
  }

  async #reserve(service: TestService, unitIds: readonly string[]): Promise<Outcome> {
    const isNamed = this.#random.chance(0.3);
    const input = wanted(this.#sku, isNamed ? unitIds : [], unitIds.length);
    const priority = this.#random.int(0, 2);
    return await reserveOne(service, { ...input, priority, waitlist: !isNamed && this.#random.chance(0.4) });
  }

  async #change(
    service: TestService,
    name: string,
    found: Reservation,
    unitIds: readonly string[],
    warehouse: string,
  ): Promise<Outcome | string> {
    const target = { ...key(), target: byId(found), etag: '' };
    const lineNumber = this.#random.chance(0.9) ? 1 : 2;
    const quantity = unitIds.length;
    const isNamed = this.#random.chance(0.5);
    const lines = [{ lineNumber, quantity, ...(isNamed && { unitIds }) }];
    switch (name) {
      case 'release':
        return await releaseReservation(service, { ...target, reason: 'CANCELLED', note: '' }, CALL);
      case 'fulfil':
        return await fulfilReservation(service, { ...target, lines, close: this.#random.chance(0.2) }, CALL);
      case 'swap': {
        const line = { orderLineId: '', returnedSku: '', warehouse: '', purchasedQuantity: 0 };
        const asked = [{ sku: this.#sku, quantity, ...line, ...(isNamed && { unitIds }) }];
        return await swapReservation(service, { ...target, lines: asked, partial: false }, CALL);
      }
      case 'transfer':
        return await transferReservation(service, { ...target, toWarehouse: warehouse, lines: [] }, CALL);
      default:
        return await this.#tell(service, found, warehouse, isNamed ? lines : []);
    }
  }

  async #tell(
    service: TestService,
    { trackingId }: Reservation,
    warehouse: string,
    lines: readonly { readonly lineNumber: number; readonly quantity: number; readonly unitIds?: readonly string[] }[],
  ): Promise<string> {
    const events = ['pick-started', 'pick-confirmed', 'pick-shorted', 'pick-aborted', 'shipment-confirmed'] as const;
    const event: PickEvent = this.#random.pick(events);
    const requestId = key().requestId;
    const facts = { wms: 'sim', messageId: requestId, contentHash: CONTENT_HASH, warehouse, trace: null, trackingId };
    const named = event === 'pick-started' ? [] : lines.map((line) => ({ ...line, sku: '' }));
    const message = { ...facts, occurredAt: Date.now(), event, lines: named, code: '' };
    const answer = await applyWarehouseMessage(service, message, AbortSignal.timeout(10_000));
    return 'verdict' in answer ? `${event} ${answer.verdict.kind}` : `${event} ${answer.refusal.reason}`;
  }

  /** One to three units, of which the newest are the likeliest to be there. */
  #units(): string[] {
    const count = this.#random.weighted([
      [4, 1],
      [2, 2],
      [1, 3],
    ]);
    const known = Array.from({ length: Math.min(8, this.#named) }, (_, at) => `U${this.#named - at}`);
    const shuffled = known.map((unit) => [this.#random.next(), unit] as const).sort(([a], [b]) => a - b);
    return shuffled.length === 0 ? ['U0'] : shuffled.slice(0, count).map(([, unit]) => unit);
  }
}
