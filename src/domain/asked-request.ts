import type { ExchangeCase } from './eligibility.ts';
import type { ShortfallWishes } from './ladder.ts';

/** What a Reserve asks for, as far as rules decide on it. */
export interface AskedRequest extends ExchangeCase, ShortfallWishes {
  readonly customerRef: string;
  readonly lines: readonly AskedLine[];
  /** The window asked for in milliseconds; null leaves it to the rules. */
  readonly holdWindowMs: number | null;
}

export interface AskedLine {
  readonly sku: string;
  readonly quantity: number;
  /** The only warehouse allowed; empty leaves the choice to the rules. */
  readonly warehouse: string;
  /** Items that may be held instead, best first, as its item named them then; absent where none may. */
  readonly substitutes?: readonly string[];
}

/**
 * The part of a request that its reservation does not tell, as the first event of the reservation keeps it: what was not
 * said is left out. Nothing of it can be erased, so nothing that callers may write freely is in it.
 */
export interface KeptRequest {
  readonly deliveredAt?: number;
  readonly itemCondition?: string;
  readonly customerTier?: string;
  readonly countryCode?: string;
  readonly holdWindowMs?: number;
  readonly partial?: true;
  readonly waitlist?: true;
  readonly acceptSubstitutes?: true;
  /** Items that may be held instead, by line; left out where no line has any. */
  readonly substitutes?: readonly (readonly string[])[];
  /** The only warehouse allowed, by line; left out where no line names one. */
  readonly warehouses?: readonly string[];
  /** Facts of the request that are kept elsewhere, where they can be erased. */
  readonly elsewhere?: readonly ErasableFact[];
}

export type ErasableFact = 'attributes' | 'postal_code';

/** What callers may write freely, or what says where a person lives. */
export interface ErasableFacts {
  readonly attributes: Readonly<Record<string, string>>;
  readonly postalCode: string;
}

export function keptOf(request: AskedRequest): KeptRequest {
  const { facts, destination, lines, partial, waitlist, acceptSubstitutes, holdWindowMs } = request;
  const elsewhere = erasableNames({ attributes: facts.attributes, postalCode: destination.postalCode });
  const isPinned = lines.some((line) => line.warehouse !== '');
  return {
    ...(facts.deliveredAt === null ? {} : { deliveredAt: facts.deliveredAt }),
    ...(facts.itemCondition === '' ? {} : { itemCondition: facts.itemCondition }),
    ...(facts.customerTier === '' ? {} : { customerTier: facts.customerTier }),
    ...(destination.countryCode === '' ? {} : { countryCode: destination.countryCode }),
    ...(holdWindowMs === null ? {} : { holdWindowMs }),
    ...(partial ? { partial } : {}),
    ...(waitlist === true ? { waitlist } : {}),
    ...(acceptSubstitutes === true ? { acceptSubstitutes, ...keptSubstitutes(lines) } : {}),
    ...(isPinned ? { warehouses: lines.map((line) => line.warehouse) } : {}),
    ...(elsewhere.length === 0 ? {} : { elsewhere }),
  };
}

/** The items that may be held instead, by line; nothing where no line has any. */
export function keptSubstitutes(lines: readonly Pick<AskedLine, 'substitutes'>[]): Pick<KeptRequest, 'substitutes'> {
  const byLine = lines.map(({ substitutes = [] }) => substitutes);
  return byLine.every((substitutes) => substitutes.length === 0) ? {} : { substitutes: byLine };
}

/** The facts that may have to be erased; null where the request has none. */
export function erasableOf({ facts: { attributes }, destination: { postalCode } }: AskedRequest): ErasableFacts | null {
  return erasableNames({ attributes, postalCode }).length === 0 ? null : { attributes, postalCode };
}

function erasableNames({ attributes, postalCode }: ErasableFacts): ErasableFact[] {
  const names: ErasableFact[] = Object.keys(attributes).length === 0 ? [] : ['attributes'];
  return postalCode === '' ? names : [...names, 'postal_code'];
}
