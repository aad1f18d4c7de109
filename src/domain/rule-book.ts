import type { Caller } from './caller.ts';
import type { EligibilityCheck } from './eligibility.ts';
import { assertInvariant } from './refusal.ts';
import type { Rules } from './rules.ts';

/** A rule set with its eligibility rules ready to be asked. */
export interface RuleSet {
  readonly rules: Rules;
  readonly checks: readonly EligibilityCheck[];
}

/** A version made in a unit of work, and by whom. */
export interface NewRuleVersion {
  readonly rules: Rules;
  readonly author: Caller;
}

/** The rules as one unit of work reads and changes them. */
export class RuleBook {
  readonly added: NewRuleVersion[] = [];
  #inForce: RuleSet;
  #newest: number | null;
  readonly #sets: Map<number, RuleSet>;

  /**
   * @param newest the newest version, in force or not; null where the unit may not make another
   * @param earlier the versions by which locked reservations were decided, as far as they are needed
   */
  constructor(inForce: RuleSet, newest: number | null, earlier: readonly RuleSet[] = []) {
    this.#inForce = inForce;
    this.#sets = new Map([...earlier, inForce].map((set) => [set.rules.version, set]));
    this.#newest = newest;
  }

  get inForce(): RuleSet {
    return this.#inForce;
  }

  /** The rules of the version a reservation was decided by, which it keeps for life. */
  of({ ruleVersion }: { readonly ruleVersion: number }): Rules {
    const set = this.#sets.get(ruleVersion);
    assertInvariant(set !== undefined, `rule version ${ruleVersion} must be read to be followed`);
    return set.rules;
  }

  get newest(): number {
    assertInvariant(this.#newest !== null, 'the rules must be locked to be changed');
    return this.#newest;
  }

  /** Adds the next version; commands after this one are decided by it where it holds at once. */
  add(set: RuleSet, author: Caller, now: number): void {
    assertInvariant(set.rules.version === this.newest + 1, 'rule versions have a gap');
    this.#newest = set.rules.version;
    this.added.push({ rules: set.rules, author });
    this.#sets.set(set.rules.version, set);
    if (set.rules.effectiveAt <= now) this.#inForce = set;
  }
}
