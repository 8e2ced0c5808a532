/** Mozzie as a library: an MQTT broker inside your program. The command line is `bin/mozzie`. */
export { createBroker, MozzieError } from './server/embedded.ts'
export type {
  BrokerOptions,
  EmbeddedBroker,
  LogLevel,
  MozzieErrorCode,
  MessageHandler,
  PublishOptions,
  ReceivedMessage,
} from './server/embedded.ts'
export type { Listening, ListenOptions, ListenTlsOptions } from './server/embedded-listen.ts'
export type { AuthHooks, ClientInfo, LoginAnswer, LoginInfo } from './server/hooks.ts'
export type { Limits } from './ports/limits.ts'
export type { Properties, Qos } from './codec/packets.ts'
