import type { StockCount } from '../../src/domain/counting.ts';
import { isByClock, type PickCommand, type ReserveCommand, type SimCommand, type SimTarget } from './commands.ts';
import { anyLines, anySku, anyWarehouse } from './generate-lines.ts';
import { anyMilestone, PICK_EVENTS } from './generate-reports.ts';
import { anyRules } from './generate-rules.ts';
import { findTarget, isLive, type Model, type ModelReservation, poolOf, SKUS, WMS } from './model/state.ts';
import type { SeededRandom } from './random.ts';

const DAY_MS = 86_400_000;
const EXCHANGES = ['x1', 'x2', 'x3', 'x4', 'x5', 'x6'];
const ORDERS = ['o1', 'o1', 'o2'];

/** Makes commands that fit, or just do not fit, what the model holds; also repeats earlier ones. */
export class CommandGenerator {
  readonly #random: SeededRandom;
  readonly #sent: SimCommand[] = [];
  #count = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** A new command, an earlier one again, or an earlier id with other content. */
  next(model: Model): SimCommand {
    if (this.#sent.length > 0 && this.#random.chance(0.12)) return this.#random.pick(this.#sent);
    const made = this.#make(model);
    const command =
      this.#sent.length > 0 && this.#random.chance(0.04)
        ? { ...made, requestId: requestIdOf(this.#random.pick(this.#sent)) }
        : made;
    this.#sent.push(command);
    return command;
  }

  /** Reservations that name one request after the other, as BatchReserve sends them. */
  batch(model: Model, size: number): ReserveCommand[] {
    return Array.from({ length: size }, () => {
      const command = this.#reserve(model);
      this.#sent.push(command);
      return command;
    });
  }

  #make(model: Model): SimCommand {
    const live = model.reservations.some(isLive);
    const kind = this.#random.weighted<() => SimCommand>([
      [live ? 8 : 14, () => this.#reserve(model)],
      [3, () => this.#release(model)],
      [3, () => this.#fulfil(model)],
      [2, () => this.#extend(model)],
      [live ? 4 : 1, () => this.#swap(model)],
      [live ? 3 : 1, () => this.#transfer(model)],
      [2, () => this.#byClock(model, 'sweep')],
      [2, () => this.#byClock(model, 'warn')],
      [2, () => this.#move('receive')],
      [1, () => this.#move('adjust')],
      [2, () => ({ kind: 'count', requestId: this.#id(), counts: this.#counts(model, '') })],
      [live ? 6 : 1, () => this.#pick(model)],
      [live ? 3 : 1, () => anyMilestone(this.#random, this.#id(), this.#target(model))],
      [1, () => this.#counted(model)],
      [1.5, () => anyRules(this.#random, this.#id(), model)],
    ]);
    return kind();
  }

  #id(): string {
    this.#count += 1;
    return `r${this.#count}`;
  }

  #reserve(model: Model): ReserveCommand {
    const random = this.#random;
    const replaceExisting = random.chance(0.3);
    const live = model.reservations.filter(isLive);
    const replaced = replaceExisting && live.length > 0 && random.chance(0.8) ? random.pick(live) : undefined;
    return {
      kind: 'reserve',
      requestId: this.#id(),
      exchangeId: replaced?.exchangeId ?? random.pick(EXCHANGES),
      orderId: replaced !== undefined && random.chance(0.9) ? replaced.orderId : random.pick(ORDERS),
      channel: random.chance(0.25) ? 'SALE' : '',
      lines: anyLines(this.#random),
      partial: random.chance(0.3),
      holdWindowMs: random.weighted([
        [2, null],
        [5, random.int(1, 20) * 60_000],
        [1, 1_000],
        [0.2, 999],
        [0.2, 91 * DAY_MS],
      ]),
      deliveredAt: random.weighted([
        [6, null],
        [2, model.now - DAY_MS],
        [0.3, model.now - 90 * DAY_MS],
        [0.3, model.now - 90 * DAY_MS - 1],
      ]),
      reason: random.chance(0.02) ? 'ABUSE' : 'SIZE',
      validateOnly: random.chance(0.05),
      replaceExisting,
      waitlist: random.chance(0.4),
      acceptSubstitutes: random.chance(0.4),
      priority: random.pick([0, 0, 0, 0, 0, 1, -1]),
    };
  }

  #swap(model: Model): SimCommand {
    const target = this.#target(model);
    return {
      kind: 'swap',
      requestId: this.#id(),
      target,
      etag: this.#etag(model, target),
      lines: anyLines(this.#random),
      partial: this.#random.chance(0.3),
      waitlist: this.#random.chance(0.3),
      acceptSubstitutes: this.#random.chance(0.4),
    };
  }

  #transfer(model: Model): SimCommand {
    const random = this.#random;
    const target = this.#target(model);
    const held = findTarget(model, target)?.lines ?? [];
    const lines = Array.from({ length: held.length === 0 || random.chance(0.5) ? 0 : random.int(1, 2) }, () => ({
      lineNumber: random.chance(0.95) ? random.pick(held).lineNumber : 9,
      quantity: random.int(1, 3),
    }));
    const toWarehouse = anyWarehouse(this.#random);
    return { kind: 'transfer', requestId: this.#id(), target, etag: this.#etag(model, target), toWarehouse, lines };
  }

  #target(model: Model): SimTarget {
    const found = this.#someReservation(model);
    const by = this.#random.pick(['reservation', 'tracking', 'exchange'] as const);
    if (found === undefined || this.#random.chance(0.05)) {
      return { by, exchangeId: this.#random.pick(EXCHANGES), ordinal: 99 };
    }
    return { by, exchangeId: found.exchangeId, ordinal: found.ordinal };
  }

  /** Mostly a live one. */
  #someReservation(model: Model): ModelReservation | undefined {
    const live = model.reservations.filter(isLive);
    const all = this.#random.chance(0.8) && live.length > 0 ? live : model.reservations;
    return all.length === 0 ? undefined : this.#random.pick(all);
  }

  #etag(model: Model, target: SimTarget): string {
    if (!this.#random.chance(0.25)) return '';
    const found = model.reservations.filter((one) => one.exchangeId === target.exchangeId).at(-1);
    return `v${(found?.version ?? 1) + (this.#random.chance(0.3) ? 1 : 0)}`;
  }

  #release(model: Model): SimCommand {
    const target = this.#target(model);
    const reason = this.#random.pick(['CANCELLED', 'REFUNDED', 'MANUAL'] as const);
    return { kind: 'release', requestId: this.#id(), target, etag: this.#etag(model, target), reason };
  }

  #fulfil(model: Model): SimCommand {
    const target = this.#target(model);
    const held = findTarget(model, target)?.lines ?? [];
    const whole = held.length === 0 || this.#random.chance(0.5);
    const lines = Array.from({ length: whole ? 0 : this.#random.int(1, 2) }, () => ({
      lineNumber: this.#random.chance(0.9) ? this.#random.pick(held).lineNumber : this.#random.int(1, 3),
      quantity: this.#random.weighted([
        [6, 1],
        [3, 2],
        [1, 3],
      ]),
    }));
    return {
      kind: 'fulfil',
      requestId: this.#id(),
      target,
      lines,
      close: this.#random.chance(0.3),
    };
  }

  #extend(model: Model): SimCommand {
    const target = this.#target(model);
    const found = model.reservations.find((one) => one.exchangeId === target.exchangeId && isLive(one));
    const from = found?.expireAt ?? model.now;
    const by = this.#random.pick([0, -1, 1, 60_000, 10 * 60_000, 60 * 60_000, 91 * DAY_MS]);
    return { kind: 'extend', requestId: this.#id(), target, etag: this.#etag(model, target), expireAt: from + by };
  }

  /** What the workers would find: all that is past its deadline, swept or not; all that is live, near it or not. */
  #byClock(model: Model, kind: 'sweep' | 'warn'): SimCommand {
    const isMeant = (one: ModelReservation) =>
      kind === 'warn' ? isLive(one) : one.expireAt <= model.now && one.state !== 'FULFILLED';
    const refs = model.reservations.filter(isMeant).map(({ exchangeId, ordinal }) => ({ exchangeId, ordinal }));
    return { kind, refs };
  }

  #move(kind: 'receive' | 'adjust'): SimCommand {
    const random = this.#random;
    const changes = Array.from({ length: random.int(1, 2) }, () => ({
      sku: anySku(this.#random),
      warehouse: anyWarehouse(this.#random),
      delta:
        kind === 'receive'
          ? { onHand: random.int(1, 4) }
          : { onHand: random.int(-2, 2), unavailable: random.int(-1, 1), committed: random.int(-1, 1) },
    }));
    return { kind, requestId: this.#id(), changes };
  }

  #counts(model: Model, only: string): StockCount[] {
    const random = this.#random;
    return Array.from(
      {
        length: random.weighted([
          [4, 1],
          [1, 2],
        ]),
      },
      () => {
        const sku = anySku(this.#random);
        const warehouse = only === '' || random.chance(0.03) ? anyWarehouse(this.#random) : only;
        const onHand = poolOf(model, sku, warehouse).onHand;
        return {
          sku,
          warehouse,
          onHand: Math.max(0, onHand + random.int(-3, 3)),
          unavailable: random.chance(0.2) ? random.int(0, 2) : null,
          committed: random.chance(0.2) ? random.int(0, 2) : null,
          expectedOnHand: random.chance(0.2) ? onHand + (random.chance(0.3) ? 1 : 0) : null,
          countedAt: random.chance(0.5)
            ? model.now + random.pick([-60_000, -1, 0, -20 * 60_000, 1_000, 400_000])
            : null,
          netOfReserved: random.chance(0.15),
        };
      },
    );
  }

  #counted(model: Model): SimCommand {
    const warehouse = anyWarehouse(this.#random);
    const wms = this.#random.chance(0.03) ? 'other' : WMS;
    const counts = this.#counts(model, warehouse);
    return { kind: 'counted', requestId: this.#id(), wms, warehouse, counts, occurredAt: model.now };
  }

  #pick(model: Model): PickCommand {
    const random = this.#random;
    const found = this.#someReservation(model);
    const held = found?.lines.flatMap((line) => line.parts.map((part) => ({ line, part }))) ?? [];
    const chosen = held.length > 0 ? random.pick(held) : undefined;
    const warehouse = chosen !== undefined && random.chance(0.9) ? chosen.part.warehouse : anyWarehouse(this.#random);
    const event = random.weighted(PICK_EVENTS);
    const named = chosen !== undefined && (event === 'pick-shorted' || random.chance(0.4));
    const lines = named
      ? Array.from(
          {
            length: random.weighted([
              [5, 1],
              [1, 2],
            ]),
          },
          () => ({
            lineNumber: random.weighted([
              [18, chosen.line.lineNumber],
              [1, 9],
              // Mostly a line that a swap has replaced, where there was one.
              [3, Math.max(1, chosen.line.lineNumber - random.int(1, 2))],
            ]),
            sku: random.weighted([
              [4, chosen.line.sku],
              [4, ''],
              [1, random.pick(SKUS)],
            ]),
            quantity: random.int(1, Math.max(1, chosen.part.reserved + (random.chance(0.2) ? 1 : 0))),
          }),
        )
      : [];
    return {
      kind: 'pick',
      requestId: this.#id(),
      event,
      wms: random.chance(0.02) ? 'other' : WMS,
      warehouse,
      ref: { exchangeId: found?.exchangeId ?? 'x1', ordinal: found?.ordinal ?? 99 },
      lines,
      occurredAt: model.now + random.pick([0, 0, -30_000, -1, 5_000]),
    };
  }
}

function requestIdOf(command: SimCommand): string {
  return isByClock(command) ? 'r0' : command.requestId;
}
