import type { CompileRule } from '../../src/domain/eligibility.ts';

/** Expressions other than the built-in ones are not available yet. */
export const compileRule: CompileRule = () => ({
  problem: 'only the expressions of the first rules are available in this version',
  line: 1,
  column: 1,
});
