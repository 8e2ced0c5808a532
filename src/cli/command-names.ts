/** The commands of `mozzie`, in the order in which its help lists them; `main.ts` loads them. */
export const COMMAND_SUMMARIES = {
  broker: 'run a broker; the same without the word',
  pub: 'publish messages',
  sub: 'receive messages',
  rr: 'ask, and wait for the answer',
  retained: 'list, read and remove retained messages',
  ctrl: 'command a running broker: users, groups and roles',
  ban: 'keep clients, users, addresses out of a broker',
  why: 'ask a running broker why a client gets no topic',
  doctor: 'find out what is wrong with a broker or a connection',
  cluster: 'ask a node of a cluster about the others',
  passwd: 'add and remove users of a password file',
  'tls-init': 'make certificates for a broker and its clients',
  bench: 'put load on a broker, and measure',
  'import-db': 'bring the database of mosquitto over',
  backup: 'copy the store of a running broker',
  db: 'look into a store, salvage a damaged one',
  completions: 'completion for bash, zsh and fish',
} as const

export type CommandName = keyof typeof COMMAND_SUMMARIES
