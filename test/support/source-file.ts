import { parseAst } from 'rolldown/parseAst';

/** A node of the syntax tree, as far as the rules look at it. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export interface Import {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
}

/** One TypeScript file, parsed once for all rules. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly body: readonly SyntaxNode[];
  readonly nodes: readonly SyntaxNode[];
  readonly imports: readonly Import[];
}

export function parseSource(path: string, text: string): SourceFile {
  const program = parseAst(text, { lang: 'ts' }) as unknown as SyntaxNode & { readonly body: readonly SyntaxNode[] };
  const nodes: SyntaxNode[] = [];
  collect(program, nodes);
  return { path, text, body: program.body, nodes, imports: nodes.flatMap(importOf) };
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** The line a node begins on, from 1. */
export function lineOf(file: SourceFile, node: SyntaxNode): number {
  return file.text.slice(0, node.start).split('\n').length;
}

/** Every text constant: string literals and the fixed parts of templates. */
export function stringsOf(file: SourceFile): string[] {
  return file.nodes.flatMap((node) => {
    if (node.type === 'Literal' && typeof node.value === 'string') return [node.value];
    return node.type === 'TemplateElement' ? [(node.value as { raw: string }).raw] : [];
  });
}

/** Names a chain of property reads, such as `Date.now`; empty where it is something else. */
export function chainOf(node: unknown): string {
  if (!isNode(node)) return '';
  if (node.type === 'Identifier') return String(node.name);
  if (node.type !== 'MemberExpression' || node.computed === true) return '';
  const object = chainOf(node.object);
  return object === '' ? '' : `${object}.${chainOf(node.property)}`;
}

function collect(value: unknown, nodes: SyntaxNode[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, nodes);
  } else if (isNode(value)) {
    nodes.push(value);
    for (const child of Object.values(value)) collect(child, nodes);
  }
}

function importOf(node: SyntaxNode): Import[] {
  const isModule = ['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration'].includes(node.type);
  if (!isModule && node.type !== 'ImportExpression' && node.type !== 'TSImportType') return [];
  const source = isNode(node.source) ? node.source : node.argument;
  if (!isNode(source) || typeof source.value !== 'string') return [];
  return [{ specifier: source.value, isTypeOnly: node.type === 'TSImportType' || isTypeOnly(node) }];
}

function isTypeOnly(node: SyntaxNode): boolean {
  if (node.importKind === 'type' || node.exportKind === 'type') return true;
  const specifiers = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : [];
  return specifiers.length > 0 && specifiers.every((one) => one.importKind === 'type' || one.exportKind === 'type');
}
