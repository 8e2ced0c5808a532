/** The shelf wall: tags as they look, red where what a tag shows is not what was ordered. */
import { fill, LANGUAGES } from './words.js'

const $ = (id) => document.getElementById(id)
const state = {
  language: languageOf(),
  fleet: null,
  place: { store: 1, ap: 0, aisle: 0 },
  tags: new Map(),
}
const words = () => LANGUAGES[state.language]
const said = (reason) => words().reasons[reason] ?? reason
const PENDING_MS = 250

function languageOf() {
  const asked = new URLSearchParams(location.search).get('lang') ?? navigator.language
  return asked.startsWith('zh') ? 'zh' : 'en'
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes))
    if (value !== null && value !== undefined) made.setAttribute(key, value)
  made.append(...children)
  return made
}

async function call(path, request = {}) {
  const response = await fetch(path, request)
  const body = await response.json()
  if (!response.ok) throw new Error(body.problems?.join('\n') ?? body.error ?? body.message)
  return body
}

function say(text, isBad = false) {
  $('message').textContent = text
  $('message').classList.toggle('bad', isBad)
}

/** Runs what a button asks for; what goes wrong is said. */
async function act(run) {
  try {
    await run()
    await showChanges()
  } catch (error) {
    say(error.message, true)
  }
}

// ── the wall ────────────────────────────────────────────────────────────────────────────────────────

function pictureOf(hash, type, words_) {
  if (hash === '') return element('span', { class: 'blank' }, words_)
  const { width, height } = type
  return element('img', { src: `api/content/${hash}.png`, width, height, alt: '', loading: 'lazy' })
}

function tagElement(tag, type, offline) {
  const { id, name, sku, ordered, shown, ap } = tag
  const reason = said(tag.reason)
  const isWrong = ordered !== shown
  const state_ = isWrong ? (tag.state ?? 'created') : 'shown'
  const title = `${name ?? sku}, ${id}: ${reason || words().states[state_]}`
  const button = element(
    'button',
    {
      type: 'button',
      class: `tag ${isWrong ? 'wrong' : 'right'} ${state_}`,
      title,
      'data-tag': id,
      'aria-label': title,
    },
    pictureOf(shown, type, words().blank),
    element(
      'small',
      {},
      `${id} · ${offline.has(ap) ? words().offline : reason || words().states[state_]}`,
    ),
  )
  button.style.setProperty('--width', `${type.width / (type.width > 350 ? 3 : 2)}px`)
  button.addEventListener('click', () => void showLife(tag, type))
  return button
}

async function showWall() {
  const { store, ap, aisle } = state.place
  const { tags, types, offline } = await call(`api/wall?store=${store}&ap=${ap}&aisle=${aisle}`)
  const away = new Set(offline)
  const aisles = new Map()
  for (const tag of tags) {
    if (!aisles.has(tag.aisle)) aisles.set(tag.aisle, [])
    aisles.get(tag.aisle).push(tagElement(tag, types[tag.type], away))
  }
  const shelves = [...aisles].map(([number, list]) =>
    element('div', { class: 'shelf' }, element('h3', {}, `${words().aisle} ${number}`), ...list),
  )
  $('tags').replaceChildren(...shelves)
  state.tags = new Map(tags.map((tag) => [tag.id, tag]))
  const shown = tags.filter((tag) => tag.ordered === tag.shown).length
  $('count').textContent = fill(words().count, { shown, tags: tags.length })
}

let pending = null
/** Something moved: looks again, once for all that moves in a moment. */
function lookAgain() {
  pending ??= setTimeout(() => {
    pending = null
    void Promise.all([showWall(), showChanges()]).catch(() => {})
  }, PENDING_MS)
}

let events = null
function follow() {
  events?.close()
  const { store, ap, aisle } = state.place
  events = new EventSource(`api/events?store=${store}&ap=${ap}&aisle=${aisle}`)
  events.addEventListener('message', lookAgain)
  events.addEventListener('open', lookAgain)
}

// ── one task ────────────────────────────────────────────────────────────────────────────────────────

async function showLife(tag, type) {
  $('life-title').textContent = `${fill(words().tag, { tag: tag.id })}: ${tag.name ?? tag.sku}`
  $('pictures').replaceChildren(
    element(
      'figure',
      {},
      pictureOf(tag.ordered, type, words().blank),
      element('figcaption', {}, words().ordered),
    ),
    element(
      'figure',
      {},
      pictureOf(tag.shown, type, words().blank),
      element('figcaption', {}, words().shown),
    ),
  )
  const id = tag.task ?? (await lastTask(tag.id))
  const life = id === null ? { events: [] } : await call(`api/tasks/${id}`)
  const startMs = life.events[0]?.atMs ?? 0
  $('events').replaceChildren(
    ...life.events.map(({ atMs, event, detail }) =>
      element(
        'li',
        { class: event },
        element('time', {}, new Date(atMs).toLocaleTimeString(state.language)),
        element('b', {}, words().states[event] ?? event),
        element('span', {}, `+${((atMs - startMs) / 1000).toFixed(1)} s ${said(detail)}`),
      ),
    ),
  )
  $('life').showModal()
}

async function lastTask(tag) {
  const { task } = await call(`api/tags/${tag}`)
  return task
}

// ── changes ─────────────────────────────────────────────────────────────────────────────────────────

function changeElement(change) {
  const { id, label, state: is, tasks, shown, failed, expired, dueMs } = change
  const bar = element('span', { class: 'bar' })
  bar.style.setProperty('--shown', `${tasks === 0 ? 0 : (100 * shown) / tasks}%`)
  bar.style.setProperty('--bad-share', `${tasks === 0 ? 0 : (100 * (failed + expired)) / tasks}%`)
  const row = element('li', { 'data-change': id }, element('b', {}, `${id} ${label}`))
  if (is === 'scheduled') {
    const time = new Date(dueMs).toLocaleString(state.language)
    row.append(element('small', {}, fill(words().scheduled, { time })))
    return row
  }
  row.append(bar, element('small', {}, fill(words().progress, change)))
  const buttons = element('p', { class: 'row' })
  if (failed + expired > 0) buttons.append(changeButton(id, 'retry', 'retry', 'retried'))
  buttons.append(changeButton(id, 'rollback', 'rollBack', 'rolledBack'))
  row.append(buttons)
  return row
}

function changeButton(id, action, word, done) {
  const button = element('button', { type: 'button' }, words()[word])
  button.addEventListener(
    'click',
    () =>
      void act(async () => {
        const answer = await call(`api/changes/${id}/${action}`, { method: 'POST' })
        say(fill(words()[done], answer))
      }),
  )
  return button
}

async function showChanges() {
  const changes = await call('api/changes')
  $('changes').replaceChildren(...changes.map(changeElement))
}

// ── forms ───────────────────────────────────────────────────────────────────────────────────────────

function options(select, count) {
  const all = element('option', { value: 0 }, words().all)
  const rest = Array.from({ length: count }, (_, at) =>
    element('option', { value: at + 1 }, String(at + 1)),
  )
  select.replaceChildren(all, ...rest)
}

function showWords() {
  document.documentElement.lang = state.language
  document.title = words().title
  for (const one of document.querySelectorAll('[data-word]'))
    one.textContent = words()[one.dataset.word]
  $('language').textContent = state.language === 'en' ? '中文' : 'English'
  $('language').lang = state.language === 'en' ? 'zh' : 'en'
  const { stores, apsPerStore, tagsPerAp, database } = state.fleet
  const aps = stores * apsPerStore
  $('fleet').textContent = fill(words().fleet, { stores, aps, tags: aps * tagsPerAp, database })
  options($('store'), stores)
  options($('ap'), apsPerStore)
  options($('aisle'), 8)
  for (const name of ['store', 'ap', 'aisle']) $(name).value = state.place[name]
}

/** UTF-8, or what spreadsheets in China write. */
function textOf(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('gb18030').decode(bytes)
  }
}

function listen() {
  $('language').addEventListener('click', () => {
    state.language = state.language === 'en' ? 'zh' : 'en'
    showWords()
    lookAgain()
  })
  $('filters').addEventListener('change', () => {
    for (const name of ['store', 'ap', 'aisle']) state.place[name] = Number($(name).value)
    follow()
  })
  $('file').addEventListener('change', () => {
    const [file] = $('file').files
    if (file !== undefined)
      void file.arrayBuffer().then((bytes) => ($('csv').value = textOf(bytes)))
  })
  $('wake').addEventListener(
    'click',
    () =>
      void act(async () => {
        await call('api/wake', { method: 'POST' })
        say(words().woken)
      }),
  )
  $('import').addEventListener('submit', (event) => {
    event.preventDefault()
    void act(async () => {
      const query = new URLSearchParams()
      if ($('label').value !== '') query.set('label', $('label').value)
      if ($('at').value !== '') query.set('at', new Date($('at').value).toISOString())
      const body = $('csv').value
      const headers = { 'content-type': 'text/csv' }
      const answer = await call(`api/changes?${query}`, { method: 'POST', headers, body })
      const { unknown } = answer
      say(fill(words().planned, answer) + (unknown > 0 ? fill(words().unknown, answer) : ''))
    })
  })
}

state.fleet = await call('api/fleet')
showWords()
$('csv').value = 'sku,name,price,was\n1,Espresso beans,1.99,2.49\n2,Rye bread,0.99,1.29\n'
listen()
follow()
