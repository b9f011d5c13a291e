const COLOURS: Readonly<Record<string, string>> = { 31: '#ff7b72', 32: '#56d364', 33: '#e3b341' }
const BACKGROUND = '#0d1117'
const FOREGROUND = '#c9d1d9'
const CHARACTER_WIDTH = 8.43
const LINE_HEIGHT = 18
const MARGIN = 16
const SELECT_GRAPHIC_RENDITION = new RegExp(String.raw`${String.fromCodePoint(27)}\[([\d;]*)m`, 'g')

/**
 * What a terminal showed, as an SVG of its own: one text element per line, red, green and yellow (SGR 31 to 33 of
 * ECMA-48) as colours, every other attribute plain. Sizes are in pixels of a monospaced font of 14.
 */
export function terminalPicture(shown: string, title: string): string {
  const lines = shown.replaceAll('\r', '').replace(/\n+$/, '').split('\n')
  const longest = Math.max(...lines.map((line) => line.replaceAll(SELECT_GRAPHIC_RENDITION, '').length))
  const width = Math.ceil(longest * CHARACTER_WIDTH) + 2 * MARGIN
  const height = lines.length * LINE_HEIGHT + 2 * MARGIN
  const rows = lines.map((line, index) => {
    const y = MARGIN + (index + 0.75) * LINE_HEIGHT
    return `<text x="${MARGIN}" y="${y}" xml:space="preserve">${spans(line)}</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" rx="6" fill="${BACKGROUND}"/>`,
    `<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14" fill="${FOREGROUND}">`,
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

function spans(line: string): string {
  // Splitting at a pattern with a group gives text, codes, text, codes, ...
  const pieces = line.split(SELECT_GRAPHIC_RENDITION)
  return pieces
    .map((piece, index) => {
      if (index % 2 === 1 || piece === '') return ''
      const fill = COLOURS[pieces[index - 1] ?? '']
      return fill === undefined ? escaped(piece) : `<tspan fill="${fill}">${escaped(piece)}</tspan>`
    })
    .join('')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
