import type { ExchangeCase } from './eligibility.ts';

/** What a Reserve asks for, as far as rules decide on it. */
export interface AskedRequest extends ExchangeCase {
  readonly customerRef: string;
  readonly lines: readonly AskedLine[];
  /** Takes what there is and forgets the rest, instead of refusing. */
  readonly partial: boolean;
  /** Takes what there is and queues for the rest, instead of refusing. */
  readonly waitlist?: boolean;
  /** The window asked for in milliseconds; null leaves it to the rules. */
  readonly holdWindowMs: number | null;
}

export interface AskedLine {
  readonly sku: string;
  readonly quantity: number;
  /** The only warehouse allowed; empty leaves the choice to the rules. */
  readonly warehouse: string;
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

export function keptOf({ facts, destination, lines, partial, waitlist, holdWindowMs }: AskedRequest): KeptRequest {
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
    ...(isPinned ? { warehouses: lines.map((line) => line.warehouse) } : {}),
    ...(elsewhere.length === 0 ? {} : { elsewhere }),
  };
}

/** The facts that may have to be erased; null where the request has none. */
export function erasableOf({ facts: { attributes }, destination: { postalCode } }: AskedRequest): ErasableFacts | null {
  return erasableNames({ attributes, postalCode }).length === 0 ? null : { attributes, postalCode };
}

function erasableNames({ attributes, postalCode }: ErasableFacts): ErasableFact[] {
  const names: ErasableFact[] = Object.keys(attributes).length === 0 ? [] : ['attributes'];
  return postalCode === '' ? names : [...names, 'postal_code'];
}
