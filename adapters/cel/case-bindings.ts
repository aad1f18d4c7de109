import { create } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import type { ExchangeCase } from '../../src/domain/eligibility.ts';

const NANOS_PER_MS = 1_000_000;

/** A case as expressions see it; what no expression asks for is never made, and what several ask for is made once. */
class CaseBindings {
  readonly #asked: ExchangeCase;
  readonly #now: number;
  #facts: ReadonlyMap<string, unknown> | undefined;
  #lines: readonly ReadonlyMap<string, string | bigint>[] | undefined;

  constructor(asked: ExchangeCase, now: number) {
    this.#asked = asked;
    this.#now = now;
  }

  get now(): Timestamp {
    return toTimestamp(this.#now);
  }

  get channel(): string {
    return this.#asked.channel;
  }

  get facts(): ReadonlyMap<string, unknown> {
    this.#facts ??= factsOf(this.#asked);
    return this.#facts;
  }

  get lines(): readonly ReadonlyMap<string, string | bigint>[] {
    this.#lines ??= this.#asked.lines.map(
      ({ sku, quantity }) =>
        new Map<string, string | bigint>([
          ['sku', sku],
          ['quantity', BigInt(quantity)],
        ]),
    );
    return this.#lines;
  }

  get destination(): ReadonlyMap<string, string> {
    const { countryCode, postalCode } = this.#asked.destination;
    return new Map([
      ['country_code', countryCode],
      ['postal_code', postalCode],
    ]);
  }
}

const known = new WeakMap<ExchangeCase, { readonly now: number; readonly bindings: CaseBindings }>();

/** The bindings of a case, the same for all rules that are asked about it at one instant. */
export function bindingsOf(asked: ExchangeCase, now: number): CaseBindings {
  const before = known.get(asked);
  if (before?.now === now) return before.bindings;
  const bindings = new CaseBindings(asked, now);
  known.set(asked, { now, bindings });
  return bindings;
}

/** What nobody knows is not there, so that `has` tells. */
function factsOf({ facts }: ExchangeCase): ReadonlyMap<string, unknown> {
  const map = new Map<string, unknown>([
    ['reason', facts.reason],
    ['item_condition', facts.itemCondition],
    ['customer_tier', facts.customerTier],
    ['attributes', new Map(Object.entries(facts.attributes))],
  ]);
  if (facts.deliveredAt !== null) map.set('delivered_time', toTimestamp(facts.deliveredAt));
  return map;
}

function toTimestamp(at: number): Timestamp {
  const seconds = Math.floor(at / 1_000);
  return create(TimestampSchema, {
    seconds: BigInt(seconds),
    nanos: Math.round((at - seconds * 1_000) * NANOS_PER_MS),
  });
}
