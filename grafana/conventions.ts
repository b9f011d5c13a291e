/** The parts of a rendered dashboard that the conventions are about. */
export interface RenderedDashboard {
  readonly uid: string
  readonly panels: readonly RenderedPanel[]
}

export interface RenderedPanel {
  readonly type: string
  readonly title?: string
  readonly description?: string
  readonly datasource?: { readonly uid?: string }
  readonly fieldConfig?: {
    readonly defaults?: { readonly unit?: string; readonly links?: readonly { readonly url?: string }[] }
  }
  readonly targets?: readonly {
    readonly expr: string
    readonly range?: boolean
    readonly datasource?: { readonly uid?: string }
  }[]
}

const CHOSEN = '${datasource}'

/** What a dashboard does against the conventions; `uids` are the dashboards that links may lead to. */
export function problemsOf({ uid, panels }: RenderedDashboard, uids: ReadonlySet<string>): readonly string[] {
  const titles = panels.map(({ title }) => title)
  const twice = titles.filter((title, index) => titles.indexOf(title) !== index)
  return [
    ...(/^sonia-[a-z]+$/.test(uid) ? [] : [`${uid} is no stable uid`]),
    ...twice.map((title) => `"${title}" stands there twice`),
    ...panels.filter(({ type }) => type !== 'row').flatMap((panel) => problemsOfPanel(panel, uids)),
  ]
}

function problemsOfPanel(panel: RenderedPanel, uids: ReadonlySet<string>): readonly string[] {
  const { title = '', description = '', datasource, fieldConfig, targets = [] } = panel
  const problems = [
    [description === '', 'has no description'],
    [(fieldConfig?.defaults?.unit ?? '') === '', 'has no unit'],
    [targets.length === 0, 'asks nothing'],
    [
      [panel, ...targets].some((part) => part.datasource?.uid !== CHOSEN),
      'does not use the chosen data source',
    ],
    [datasource === undefined, 'has no data source'],
    [targets.some(hasFixedWindow), 'has a fixed window where $__rate_interval belongs'],
    [
      (fieldConfig?.defaults?.links ?? []).some(({ url }) => !resolves(url ?? '', uids)),
      'has a link that leads nowhere',
    ],
  ] as const
  return problems
    .filter(([isWrong]) => isWrong)
    .map(([, what]) => `${title} ${what.replace('$__rate_interval', 'a rate interval')}`)
}

/** Long windows are chosen on purpose where a burn rate or a summary names them; a bare rate on a line is not. */
function hasFixedWindow({ expr, range }: { readonly expr: string; readonly range?: boolean }): boolean {
  return range === true && /\[(?!\$__rate_interval|\$__range|5m\]|1h\]|6h\])/.test(expr)
}

function resolves(url: string, uids: ReadonlySet<string>): boolean {
  const uid = /^\/d\/([a-z-]+)(?:\?|$)/.exec(url)?.[1]
  return uid !== undefined && uids.has(uid)
}
