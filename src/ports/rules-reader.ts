import type { Rules } from '../domain/rules.ts';
import type { Page, PageRequest } from '../ports.ts';

/** One version of the rules with who made it and when. */
export interface RuleVersion {
  readonly rules: Rules;
  readonly author: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** The version before; null for the first. */
  readonly previous: Rules | null;
}

export interface RulesReader {
  /** The rules that hold now by the database's clock; never older than an answer already given. */
  current(): Promise<Rules>;
  /** As {@link current}, but up to a second old: for what is shown again soon. */
  recent(): Promise<Rules>;
  version(version: bigint): Promise<Rules | null>;
  /** Newest first. @throws InvalidPageToken */
  list(page: PageRequest): Promise<Page<RuleVersion>>;
}
