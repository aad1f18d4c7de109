import { randomBytes, randomUUID } from 'node:crypto';
import { v7 } from 'uuid';
import { compileRule } from '../../adapters/cel/compile-rule.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import type { RecordedTransition } from '../../src/domain/working-set.ts';
import { CatalogCache } from '../../src/persistence/catalog-cache.ts';
import { type Database, openDatabase } from '../../src/persistence/database.ts';
import { GroupCommit } from '../../src/persistence/group-commit.ts';
import { runUnit, type UnitWatcher } from '../../src/persistence/unit-of-work.ts';
import type { Command, Ids, Outcome } from '../../src/ports.ts';
import type { Call } from '../../src/use-cases/call.ts';
import { type ReserveInput, reserve } from '../../src/use-cases/reserve.ts';
import { putItems, putWarehouses, receiveStock } from '../../src/use-cases/stock.ts';
import { NO_FACTS } from './arbitraries.ts';

export const CALL: Call = {
  caller: { principal: 'tester', actorType: 'SERVICE', channel: '' },
  trace: null,
};

export const CONTENT_HASH = Buffer.alloc(32, 1);

/** The use cases of one process over one database, wired as the service wires them. */
export interface TestService {
  readonly database: Database;
  readonly unitOfWork: GroupCommit;
  readonly ids: Ids;
  /** What commits made true, in order. */
  readonly committed: RecordedTransition[];
  /** Failed tries of units, in order. */
  readonly failures: { readonly failure: string; readonly error: unknown }[];
  run(commands: readonly Command[]): Promise<Map<Command, Outcome | Error>>;
  close(): Promise<void>;
}

/** Opens a process of its own: its pool, its cache, its queue. */
export async function openTestService(url: string): Promise<TestService> {
  const database = await openDatabase(url);
  const ids: Ids = { uuid: () => v7(), randomBytes: (length) => randomBytes(length) };
  const committed: RecordedTransition[] = [];
  const failures: { failure: string; error: unknown }[] = [];
  const deps = {
    pool: database.unitPool,
    ids,
    cache: new CatalogCache(compileRule),
    random: () => 0.5,
    monotonicMs: () => performance.now(),
    pause: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    onFailure: (failure: string, error: unknown) => failures.push({ failure, error }),
    onCommitted: (transitions: readonly RecordedTransition[]) => void committed.push(...transitions),
  };
  const run = (commands: readonly Command[], watcher?: UnitWatcher) => runUnit({ ...deps, watcher }, commands);
  const unitOfWork = new GroupCommit(run);
  const close = async () => {
    await unitOfWork.close();
    await database.close();
  };
  return { database, unitOfWork, ids, committed, failures, run, close };
}

/** The reservation a command answered with. @throws TypeError where it was refused or answered with none */
export function madeReservation(outcome: Outcome): Reservation {
  if (!outcome.ok || outcome.answer.kind !== 'reservation' || outcome.answer.reservation === null) {
    throw new TypeError(`no reservation: ${JSON.stringify(outcome)}`);
  }
  return outcome.answer.reservation;
}

/** Puts warehouses W1 and W2 and the SKUs, and receives `onHand` of each SKU in each warehouse. */
export async function stockUp(service: TestService, skus: readonly string[], onHand: number): Promise<void> {
  const key = () => ({ requestId: randomUUID(), contentHash: CONTENT_HASH });
  const warehouses = ['W1', 'W2'].map((code, at) => ({
    code,
    name: code,
    timeZone: 'UTC',
    priority: at + 1,
    countryCode: 'DE',
    postalCode: '10115',
    enabled: true,
    wms: 'sim',
  }));
  const items = skus.map((sku) => ({
    itemId: service.ids.uuid(),
    sku,
    name: sku,
    tracking: 'QUANTITY' as const,
    product: '',
    attributes: {},
    equivalentSkus: [],
    retired: false,
  }));
  const receipts = skus.flatMap((sku) => ['W1', 'W2'].map((warehouse) => ({ sku, warehouse, delta: { onHand } })));
  const outcomes = [
    await putWarehouses(service, { ...key(), warehouses }, CALL),
    await putItems(service, { ...key(), items }, CALL),
    await receiveStock(service, { ...key(), reason: 'delivery', receipts }, CALL),
  ];
  const refused = outcomes.find((outcome) => !outcome.ok);
  if (refused !== undefined) throw new Error(`stock was refused: ${JSON.stringify(refused)}`);
}

export interface WantedLine {
  readonly sku: string;
  readonly quantity?: number;
  readonly orderLineId?: string;
  /** The only warehouse it may come from; any where absent. */
  readonly warehouse?: string;
}

/** A request for one exchange of its own, with everything else plain. */
export function reserveInput(lines: readonly WantedLine[], changes: Partial<ReserveInput> = {}): ReserveInput {
  return {
    requestId: randomUUID(),
    contentHash: CONTENT_HASH,
    exchangeId: `exchange-${randomUUID()}`,
    returnCaseId: 'case-1',
    orderId: `order-${randomUUID()}`,
    customerRef: 'customer-1',
    channel: 'web',
    lines: lines.map(({ sku, quantity = 1, orderLineId = 'line-1', warehouse = '' }) => ({
      sku,
      quantity,
      orderLineId,
      returnedSku: '',
      warehouse,
      purchasedQuantity: 0,
    })),
    facts: { ...NO_FACTS, reason: 'SIZE' },
    destination: { countryCode: '', postalCode: '' },
    partial: false,
    holdWindowMs: null,
    priority: 0,
    validateOnly: false,
    ...changes,
  };
}

export async function reserveOne(service: TestService, input: ReserveInput): Promise<Outcome> {
  const [outcome] = await reserve(service, [input], CALL);
  if (outcome === undefined) throw new TypeError('one request, one outcome');
  return outcome;
}
