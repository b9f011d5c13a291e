import type { ArgumentGrammar, ValueKind } from './grammar.ts'

export interface ProgramRule {
  readonly name: string
  readonly summary: string
  /** Reads and computes only: runs under policy without a person. */
  readonly compute?: ArgumentGrammar
  /** Changes or destroys: runs only after a person approved the exact call. */
  readonly destructive?: ArgumentGrammar
}

const PATH: ValueKind = { kind: 'path' }
const TEXT: ValueKind = { kind: 'text' }
const COUNT: ValueKind = { kind: 'number', max: 1_000_000 }
const DEPTH: ValueKind = { kind: 'number', max: 64 }
const NUMERAL: ValueKind = { kind: 'pattern', source: '\\d{1,12}(?:\\.\\d{1,6})?' }
/** Directives of jq read further files, by names that are no arguments. A field of such a name is none. */
const JQ_FILTER: ValueKind = {
  kind: 'pattern',
  source: '(?!.*(?<![.\\w$])(?:import|include|modulemeta)(?!\\w)).*',
}
const OPERANDS_MAX = 64

type Options = ArgumentGrammar['options']

/** Valueless options, one per word of `names`. */
function flags(names: string): Options {
  return Object.fromEntries(names.split(' ').map((name) => [name, null]))
}

interface OperandShape {
  readonly first?: readonly ValueKind[]
  readonly rest?: ValueKind
  readonly min?: number
  readonly max?: number
}

function grammar(
  options: Options,
  shape: OperandShape,
  extra: Partial<ArgumentGrammar> = {},
): ArgumentGrammar {
  const first = shape.first ?? []
  const fallbackMax = shape.rest === undefined ? first.length : OPERANDS_MAX
  return {
    options,
    style: 'cluster',
    operands: { first, rest: shape.rest ?? null, min: shape.min ?? 0, max: shape.max ?? fallbackMax },
    ...extra,
  }
}

const files = (min: number, max = OPERANDS_MAX): OperandShape => ({ rest: PATH, min, max })

/**
 * The programs that may run at all, each with what it may be told. What is not listed here is refused, also
 * with an approval: an interpreter, a wrapper or an option that starts another program proves nothing about
 * what would run. Left out on purpose: second operand of uniq (an output file), `-r`
 * of grep and diff (files that nobody may read by name would be read as well), `-f` of grep and date, `-exec`
 * and `-delete` of find, options of tar without a dash, `--compress-program` and `--files0-from` of sort, directives of jq that read files, every
 * option of git that sets configuration and every subcommand of it that runs filters, hooks or diff drivers.
 */
export const PROGRAM_RULES: readonly ProgramRule[] = [
  {
    name: 'ls',
    summary: 'list a folder',
    compute: grammar(flags('-l -a -A -h -t -r -S -1 -R -d -F -i -n'), files(0)),
  },
  { name: 'cat', summary: 'print files', compute: grammar(flags('-n -b -s -A -E -T'), files(1)) },
  {
    name: 'head',
    summary: 'first lines of files',
    compute: grammar({ '-n': COUNT, '-c': COUNT, '--lines': COUNT, ...flags('-q -v') }, files(1)),
  },
  {
    name: 'tail',
    summary: 'last lines of files',
    compute: grammar({ '-n': COUNT, '-c': COUNT, '--lines': COUNT, ...flags('-q -v') }, files(1)),
  },
  {
    name: 'wc',
    summary: 'count lines, words and bytes',
    compute: grammar(flags('-l -w -c -m -L'), files(1)),
  },
  {
    name: 'sort',
    summary: 'sort lines; writing with -o needs approval',
    compute: grammar({ '-k': TEXT, '-t': TEXT, ...flags('-n -r -u -f -b -h -V -s -g') }, files(1)),
    destructive: grammar(
      { '-k': TEXT, '-t': TEXT, '-o': PATH, ...flags('-n -r -u -f -b -h -V -s -g') },
      files(1),
      { oneOf: ['-o'] },
    ),
  },
  {
    name: 'uniq',
    summary: 'fold repeated lines',
    compute: grammar({ '-f': COUNT, '-s': COUNT, ...flags('-c -d -u -i') }, files(1, 1)),
  },
  {
    name: 'cut',
    summary: 'columns of lines',
    compute: grammar({ '-d': TEXT, '-f': TEXT, '-c': TEXT, '-b': TEXT, ...flags('-s') }, files(1)),
  },
  {
    name: 'nl',
    summary: 'number lines',
    compute: grammar({ '-b': { kind: 'pattern', source: '[atn]' } }, files(1)),
  },
  { name: 'tac', summary: 'lines in reverse', compute: grammar({}, files(1)) },
  {
    name: 'paste',
    summary: 'join lines of files',
    compute: grammar({ '-d': TEXT, ...flags('-s') }, files(1)),
  },
  { name: 'fold', summary: 'wrap lines', compute: grammar({ '-w': COUNT, ...flags('-s -b') }, files(1)) },
  { name: 'comm', summary: 'compare sorted files', compute: grammar(flags('-1 -2 -3'), files(2, 2)) },
  {
    name: 'diff',
    summary: 'differences of files',
    compute: grammar(
      { '-U': COUNT, ...flags('-u -q -i -w -b -B -y -N') },
      { rest: { kind: 'path', noFolder: true }, min: 2, max: 2 },
    ),
  },
  {
    name: 'cmp',
    summary: 'compare bytes of files',
    compute: grammar({ '-n': COUNT, ...flags('-s -l -b') }, files(2, 2)),
  },
  {
    name: 'od',
    summary: 'dump bytes',
    compute: grammar(
      {
        '-A': { kind: 'pattern', source: '[doxn]' },
        '-t': { kind: 'pattern', source: '[a-z0-9]{1,4}' },
        '-N': COUNT,
        '-j': COUNT,
        ...flags('-c -x -v'),
      },
      files(1),
    ),
  },
  { name: 'sha256sum', summary: 'digests of files', compute: grammar(flags('-b'), files(1)) },
  { name: 'md5sum', summary: 'MD5 sums of files', compute: grammar(flags('-b'), files(1)) },
  {
    name: 'base64',
    summary: 'encode or decode a file',
    compute: grammar({ '-w': COUNT, ...flags('-d') }, files(1, 1)),
  },
  { name: 'stat', summary: 'facts about files', compute: grammar({ '-c': TEXT, ...flags('-t') }, files(1)) },
  {
    name: 'du',
    summary: 'sizes of folders',
    compute: grammar({ '-d': DEPTH, ...flags('-h -s -a -c -b -k -m') }, files(0)),
  },
  {
    name: 'basename',
    summary: 'last part of a path',
    compute: grammar({ '-s': TEXT, ...flags('-a') }, { rest: TEXT, min: 1 }),
  },
  { name: 'dirname', summary: 'folder part of a path', compute: grammar({}, { rest: TEXT, min: 1 }) },
  {
    name: 'grep',
    summary: 'search lines',
    compute: grammar(
      {
        '-m': COUNT,
        '-A': COUNT,
        '-B': COUNT,
        '-C': COUNT,
        '--include': TEXT,
        '--exclude': TEXT,
        ...flags('-i -n -l -L -c -v -w -x -E -F -o -h -H -q -s'),
      },
      { first: [TEXT], rest: PATH, min: 2 },
    ),
  },
  {
    name: 'find',
    summary: 'search a folder by name, type, size or age',
    compute: grammar(
      {
        '-name': TEXT,
        '-iname': TEXT,
        '-path': TEXT,
        '-type': { kind: 'pattern', source: '[fdl]' },
        '-maxdepth': DEPTH,
        '-mindepth': DEPTH,
        '-size': { kind: 'pattern', source: '[+-]?\\d{1,9}[ckMG]?' },
        '-mtime': { kind: 'pattern', source: '[+-]?\\d{1,6}' },
        '-newer': PATH,
        ...flags('-empty -print'),
      },
      files(0),
      { style: 'word' },
    ),
  },
  {
    name: 'jq',
    summary: 'query a JSON file',
    compute: grammar(flags('-r -c -S -e -s -M'), { first: [JQ_FILTER], rest: PATH, min: 2 }),
  },
  { name: 'echo', summary: 'print words', compute: grammar(flags('-n'), { rest: TEXT }) },
  {
    name: 'printf',
    summary: 'print formatted words',
    compute: grammar({}, { first: [TEXT], rest: TEXT, min: 1 }),
  },
  {
    name: 'seq',
    summary: 'print numbers',
    compute: grammar({ '-s': TEXT, ...flags('-w') }, { rest: NUMERAL, min: 1, max: 3 }),
  },
  { name: 'expr', summary: 'evaluate an expression', compute: grammar({}, { rest: TEXT, min: 1 }) },
  {
    name: 'date',
    summary: 'print the date',
    compute: grammar({ '-d': TEXT, ...flags('-u -R') }, { first: [{ kind: 'pattern', source: '\\+.*' }] }),
  },
  { name: 'pwd', summary: 'print the working folder', compute: grammar({}, {}) },
  { name: 'uname', summary: 'print the system name', compute: grammar(flags('-a -s -r -m'), {}) },
  { name: 'true', summary: 'succeed', compute: grammar({}, {}) },
  { name: 'false', summary: 'fail', compute: grammar({}, {}) },
  { name: 'sleep', summary: 'wait some seconds', compute: grammar({}, { first: [NUMERAL], min: 1 }) },
  {
    name: 'git',
    summary: 'history of a repository',
    compute: grammar(
      {
        '-n': COUNT,
        '--oneline': null,
        '--max-count': COUNT,
        '--reverse': null,
        '--since': TEXT,
        '--until': TEXT,
      },
      { first: [{ kind: 'pattern', source: 'log|version' }], rest: TEXT, min: 1, max: 3 },
    ),
  },
  {
    name: 'tar',
    summary: 'list an archive; creating and extracting need approval',
    compute: grammar(
      { '-t': null, '-v': null, '-z': null, '-f': PATH },
      { rest: TEXT },
      { oneOf: ['-t'], optionFirst: true },
    ),
    destructive: grammar({ '-c': null, '-x': null, '-v': null, '-z': null, '-f': PATH }, files(0), {
      oneOf: ['-c', '-x'],
      optionFirst: true,
    }),
  },
  { name: 'rm', summary: 'remove', destructive: grammar(flags('-r -R -f -v -d'), files(1)) },
  { name: 'rmdir', summary: 'remove empty folders', destructive: grammar(flags('-v -p'), files(1)) },
  { name: 'mv', summary: 'move or rename', destructive: grammar(flags('-f -n -v'), files(2)) },
  { name: 'cp', summary: 'copy', destructive: grammar(flags('-r -R -p -f -n -v'), files(2)) },
  { name: 'mkdir', summary: 'make folders', destructive: grammar(flags('-p -v'), files(1)) },
  {
    name: 'touch',
    summary: 'make files or renew their time',
    destructive: grammar(flags('-c -a -m'), files(1)),
  },
  { name: 'truncate', summary: 'set the size of files', destructive: grammar({ '-s': COUNT }, files(1)) },
  {
    name: 'chmod',
    summary: 'change permissions (no set-id bits)',
    destructive: grammar(flags('-R -v'), {
      first: [{ kind: 'pattern', source: '0?[0-7]{3}|[ugoa]{0,4}[+-][rwX]{1,3}' }],
      rest: PATH,
      min: 2,
    }),
  },
  {
    name: 'gzip',
    summary: 'compress files; -d restores those named .gz',
    destructive: grammar(flags('-k -v -d -f'), files(1), { unpacks: { option: '-d', suffix: '.gz' } }),
  },
]

const BY_NAME: ReadonlyMap<string, ProgramRule> = new Map(PROGRAM_RULES.map((rule) => [rule.name, rule]))

export function findProgramRule(name: string): ProgramRule | undefined {
  return BY_NAME.get(name)
}
