// SPDX-License-Identifier: Apache-2.0
/*
 * The binary interface between Millrace and plugins: shared objects with sources, filters, actions
 * and the like. Plain C11 without dependencies; millrace/plugin.hpp makes it comfortable in C++.
 *
 * A plugin exports one symbol, the constant `millrace_plugin`. It names the plugin and the function
 * `load`, which registers extensions. No other symbol is looked at: use -fvisibility=hidden.
 *
 * VERSIONS
 * The interface has a version, MAJOR.MINOR. The engine refuses a plugin of another major version,
 * and one that needs a higher minor version than it has. Within a major version old plugins work in
 * newer engines without a new build:
 * - Every struct begins with struct_size, which whoever fills it sets to sizeof. Members are
 *   appended, never changed, moved or removed. A reader takes members beyond struct_size as absent.
 * - Two structs never change and have no size: millrace_text, and millrace_context.
 * - Functions keep their meaning. A status or kind that a reader does not know is a failure.
 * - "Since 1.x" marks what was appended. A plugin that can do without it sets abi_minor to what it
 *   cannot do without, and asks MILLRACE_HAS(engine, member) before it calls.
 *
 * TEXTS
 * What runs over the boundary at run time is JSON or plain text, UTF-8, pointer and length
 * (millrace_text). What describes a plugin (names, summaries) is a C string. The receiver copies
 * what it keeps before it returns: neither side ever frees memory of the other.
 *
 * CONTEXTS
 * Each call into a plugin comes with a millrace_context: the way back to the engine. It is valid
 * until that call returns, and for that call's thread only, but for emit, wait, stopping and log,
 * which any thread of the plugin may use while the call lasts. In every context there are log,
 * error and last_error; what else may be called depends on the call:
 *
 *   load          add_*, configuration_*, call_soon
 *   create        nothing else
 *   source.run    emit, wait, stopping
 *   filter.apply  put
 *   action.run    wait, stopping, post_event, set_fact, retract_fact, shut_down, print
 *   service.call  put, wait, stopping
 *   call_soon     nothing else
 *
 * Anything else answers MILLRACE_WRONG_PHASE. To publish (emit, post_event, set_fact, retract_fact,
 * shut_down, print) or to start a thread in `load` disables the plugin, and only it.
 *
 * ERRORS
 * A function with a status returns MILLRACE_OK or why not, and says it in words by error(). If it
 * does not, the words of the last engine function that failed in the same context are taken.
 * MILLRACE_STOP means "I was asked to end and do": it is no failure. Exceptions must not leave a
 * plugin; the engine catches those that do and names the plugin.
 *
 * THREADS
 * "Loop thread" is the one thread of the engine: what runs there must not block. "Worker thread"
 * may block; it gives up soon once stopping() says so. Each function below says where it is called.
 * A plugin may start threads of its own once `load` has returned, and ends them before what they
 * serve is destroyed.
 */
#ifndef MILLRACE_PLUGIN_H
#define MILLRACE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define MILLRACE_PLUGIN_ABI_MAJOR 1
#define MILLRACE_PLUGIN_ABI_MINOR 0

/* Whether the other side's struct is large enough to have the member, and the member is there. */
#define MILLRACE_HAS(table, member)                                                      \
  ((const char*)(&(table)->member + 1) <= (const char*)(table) + (table)->struct_size && \
   (table)->member)

#if defined(__GNUC__)
#define MILLRACE_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define MILLRACE_PLUGIN_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Not terminated by a NUL. `data` may be NULL if size is 0. Never changes. */
typedef struct millrace_text {
  const char* data;
  size_t size;
} millrace_text;

typedef int32_t millrace_status;
enum {
  MILLRACE_OK = 0,
  MILLRACE_STOP = 1,             /* asked to end: return it, soon */
  MILLRACE_FAILED = 2,           /* for a reason that none of the others names */
  MILLRACE_INVALID_SETTINGS = 3, /* the user must mend the settings */
  MILLRACE_INVALID_EVENT = 4,    /* of a filter: this event is refused, nothing else is affected */
  MILLRACE_NOT_FOUND = 5,        /* of a filter: as MILLRACE_INVALID_EVENT */
  MILLRACE_PERMISSION_DENIED = 6,
  MILLRACE_UNAVAILABLE = 7, /* a peer is away: try again later */
  MILLRACE_TIMEOUT = 8,
  MILLRACE_UNSUPPORTED = 9, /* also: a service does not have the function */
  MILLRACE_WRONG_PHASE = 10 /* not allowed in this context */
};

typedef int32_t millrace_log_level;
enum {
  MILLRACE_DEBUG = 0,
  MILLRACE_INFO = 1,
  MILLRACE_WARNING = 2,
  MILLRACE_ERROR = 3,
  MILLRACE_CRITICAL = 4
};

/* Receives a text that is valid during the call only; called at most once, before the function that
 * it was given to returns. `data` is what was given beside it. */
typedef void (*millrace_take)(void* data, millrace_text text);

/* What became of a batch: MILLRACE_OK when all that its events caused has ended, so that a broker
 * may be told; MILLRACE_STOP when the engine ends before that is known, so that they must come
 * again. Called exactly once for each batch that emit took, on the loop thread, before the source
 * is destroyed, perhaps after `run` has returned. Must not block, and must not call the engine. */
typedef void (*millrace_settled)(void* token, millrace_status outcome);

struct millrace_engine;

/* The way back to the engine; see CONTEXTS. More follows that is the engine's own. */
typedef struct millrace_context {
  const struct millrace_engine* engine;
} millrace_context;

/* --- What a plugin registers --- */

typedef int32_t millrace_setting_type;
enum {
  MILLRACE_ANY = 0,
  MILLRACE_STRING = 1,
  MILLRACE_INTEGER = 2, /* 64 bits */
  MILLRACE_NUMBER = 3,
  MILLRACE_BOOLEAN = 4,
  MILLRACE_SECONDS = 5, /* a number of seconds, fractions allowed */
  MILLRACE_STRINGS = 6, /* a list of strings; users may write a single one */
  MILLRACE_LIST = 7,
  MILLRACE_OBJECT = 8
};

enum {
  MILLRACE_REQUIRED = 1,
  MILLRACE_SECRET = 2,  /* never shown */
  MILLRACE_NULLABLE = 4 /* null counts as not given */
};

/* One setting that an extension takes. The engine checks what users write against it, converts it
 * to the type and fills in the default, before the plugin sees it. */
typedef struct millrace_setting {
  size_t struct_size;
  const char* name;
  millrace_setting_type type;
  uint32_t flags;             /* MILLRACE_REQUIRED | … */
  const char* meaning;        /* half a sentence, for the reference */
  const char* default_json;   /* NULL: none; the plugin is given null */
  const char* const* choices; /* of a string; ends with NULL. NULL: any */
  const double* least;        /* NULL: no bound */
  const double* most;
} millrace_setting;

/* What every extension says of itself. */
typedef struct millrace_extension {
  size_t struct_size;
  const char* name;                        /* as rulebooks call it */
  const char* summary;                     /* one sentence */
  const char* const* aliases;              /* ends with NULL. NULL: none */
  const millrace_setting* const* settings; /* ends with NULL. NULL: none */
  int32_t ignores_unknown; /* not 0: settings that are not declared are dropped with a warning, not
                              refused */
} millrace_extension;

/* Brings events in. */
typedef struct millrace_source {
  size_t struct_size;
  const millrace_extension* about; /* required */
  void* user;                      /* given to create */

  /* Required. Loop thread, before the run begins. Makes the instance for one entry under
   * `sources:`; `settings` is an object with every declared setting. *instance may be NULL on
   * success. */
  millrace_status (*create)(void* user, millrace_context* context, millrace_text settings,
                            void** instance);

  /* Required. A thread of its own, once. Emits until there is no more (returns MILLRACE_OK, which
   * ends the run in good order) or until emit, wait or stopping say that it should stop (returns
   * MILLRACE_STOP within a second). Any other status ends the run as a failure. */
  millrace_status (*run)(void* instance, millrace_context* context);

  /* Optional. Loop thread, at most once, while `run` runs, perhaps after it has returned on its
   * own: ends the wait of a `run` that blocks elsewhere than in emit and wait. */
  void (*stop)(void* instance);

  /* Optional. Loop thread, once for each instance made, after `run` has returned (if it was called)
   * and every batch was settled. */
  void (*destroy)(void* instance);
} millrace_source;

/* Turns one event into any number, between a source and its rule set. */
typedef struct millrace_filter {
  size_t struct_size;
  const millrace_extension* about; /* required */
  void* user;                      /* given to create */

  /* Required. As of a source. */
  millrace_status (*create)(void* user, millrace_context* context, millrace_text settings,
                            void** instance);

  /* Required. Loop thread: must not block. put() adds what becomes of `event`; without a put the
   * event is dropped. Errors: MILLRACE_INVALID_EVENT and MILLRACE_NOT_FOUND refuse this event, all
   * others end the source. */
  millrace_status (*apply)(void* instance, millrace_context* context, millrace_text event);

  /* Optional. Loop thread. */
  void (*destroy)(void* instance);
} millrace_filter;

/* Does something when a rule fires. */
typedef struct millrace_action {
  size_t struct_size;
  const millrace_extension* about; /* required */
  void* user;                      /* given to create */

  /* Optional. Loop thread. Makes the instance for one entry of one rule. */
  millrace_status (*create)(void* user, millrace_context* context, void** instance);

  /* Required. A worker thread; in rule sets with the parallel strategy on several at once with the
   * same instance. `settings` is an object with every declared setting, templates rendered.
   * `firing` is an object: action, rule_set, rule_set_id, rule, rule_id, run_at (ISO 8601), hosts
   * (list), and event (an object) or events (an object of them). An error is logged and counted;
   * the rule's next actions still run. */
  millrace_status (*run)(void* instance, millrace_context* context, millrace_text settings,
                         millrace_text firing);

  /* Optional. Loop thread, after the last run has returned. */
  void (*destroy)(void* instance);
} millrace_action;

/*
 * kind             function            argument                    puts
 * MONITOR          line                {line, source}              a list of {name, data}
 * TRIGGER          event               {name, data}                a list of {name, data}
 * HOOK_CLASS       the hook's          {event, arguments, result}  the hook's result
 * WORKER           handle              the message                 null; an error: try again
 * CONFIG_PLUGIN    a position's        {parent, keys}              {keys}
 * PARAM_PROCESSOR  process             {name, value, setting}      the value
 */
typedef int32_t millrace_service_kind;
enum {
  MILLRACE_MONITOR = 0,
  MILLRACE_TRIGGER = 1,
  MILLRACE_HOOK_CLASS = 2,
  MILLRACE_WORKER = 3,
  MILLRACE_CONFIG_PLUGIN = 4,
  MILLRACE_PARAM_PROCESSOR = 5
};

/* Answers calls. */
typedef struct millrace_service {
  size_t struct_size;
  const millrace_extension* about; /* required */
  void* user;                      /* given to create */

  /* Required. As of a source. */
  millrace_status (*create)(void* user, millrace_context* context, millrace_text settings,
                            void** instance);

  /* Required. A worker thread, one call of an instance at a time. The last put() is the answer;
   * without one it is null. MILLRACE_UNSUPPORTED for functions that it does not have. */
  millrace_status (*call)(void* instance, millrace_context* context, millrace_text function,
                          millrace_text argument);

  /* Optional. Loop thread. */
  void (*destroy)(void* instance);
} millrace_service;

/* A regular expression with a name, for the filters of monitors. */
typedef struct millrace_pattern {
  size_t struct_size;
  const char* name;    /* required */
  const char* pattern; /* required; as PCRE understands it */
  const char* summary;
} millrace_pattern;

/* --- What the engine offers --- */

/* One for the whole engine. Every function is there, up to struct_size. */
typedef struct millrace_engine {
  size_t struct_size;
  uint32_t abi_major;
  uint32_t abi_minor;

  /* In every context, any thread. Under the name of the source, or of the plugin. */
  void (*log)(millrace_context* context, millrace_log_level level, millrace_text message);

  /* Why the call is about to fail; the last one counts. */
  void (*error)(millrace_context* context, millrace_text message);

  /* The words of the last engine function that failed in this context. Valid until the next call
   * with it. */
  millrace_text (*last_error)(millrace_context* context);

  /* A result: one JSON text. Errors: MILLRACE_INVALID_EVENT if it is none. */
  millrace_status (*put)(millrace_context* context, millrace_text json);

  /* load only. What is given is copied: it need not outlive the call; but the functions, and
   * `user`, must stay while the plugin is loaded. Errors: MILLRACE_INVALID_SETTINGS if something
   * required is missing or a default does not fit. */
  millrace_status (*add_source)(millrace_context* context, const millrace_source* source);
  millrace_status (*add_filter)(millrace_context* context, const millrace_filter* filter);
  millrace_status (*add_action)(millrace_context* context, const millrace_action* action);
  millrace_status (*add_service)(millrace_context* context, millrace_service_kind kind,
                                 const millrace_service* service);
  millrace_status (*add_pattern)(millrace_context* context, const millrace_pattern* pattern);

  /* load only. The configuration, by paths like `logging.level`: `take` gets JSON. Errors:
   * MILLRACE_NOT_FOUND. */
  millrace_status (*configuration_get)(millrace_context* context, millrace_text path,
                                       millrace_take take, void* data);
  /* load only. Objects on the way are made. Errors: MILLRACE_INVALID_SETTINGS if there is no JSON,
   * or something else than an object on the way. */
  millrace_status (*configuration_set)(millrace_context* context, millrace_text path,
                                       millrace_text json);

  /* load only. `run` is called on the loop thread when the main loop has begun, in the order of the
   * calls; then, or when it will never be called, `release` (NULL: nothing to release). If
   * call_soon fails, neither is. Threads may be started in `run`. */
  millrace_status (*call_soon)(millrace_context* context,
                               void (*run)(millrace_context* context, void* data),
                               void (*release)(void* data), void* data);

  /* source.run only; any thread. Hands over `count` events, JSON texts of objects (without
   * filters), in their order; waits while the engine is behind. 256 at once is a good number;
   * 65,536, and 64 MiB of text, are the most. MILLRACE_OK: the engine has them; one that turns out
   * to be no event is logged, counted and dropped. MILLRACE_STOP: it has taken none, and takes no
   * more. MILLRACE_INVALID_EVENT: too much at once. `settled` (NULL: not wanted) is told of the
   * batch's fate only after MILLRACE_OK. */
  millrace_status (*emit)(millrace_context* context, const millrace_text* events, size_t count,
                          millrace_settled settled, void* token);

  /* Waits. MILLRACE_OK: the time is over; MILLRACE_STOP: asked to stop, at once. Less than 0
   * seconds: for ever. */
  millrace_status (*wait)(millrace_context* context, double seconds);

  /* Not 0: asked to stop. */
  int32_t (*stopping)(millrace_context* context);

  /* action.run only. They return when the engine has done it. An empty `rule_set` is the rule's
   * own. Errors: MILLRACE_NOT_FOUND for a rule set that is not there, MILLRACE_INVALID_EVENT for
   * what is no JSON object. */
  millrace_status (*post_event)(millrace_context* context, millrace_text rule_set,
                                millrace_text event);
  millrace_status (*set_fact)(millrace_context* context, millrace_text rule_set,
                              millrace_text fact);
  /* `partial` not 0: facts that have the given entries; 0: facts that have no entries but the
   * given. */
  millrace_status (*retract_fact)(millrace_context* context, millrace_text rule_set,
                                  millrace_text fact, int32_t partial);
  /* Ends the run. `request` is an object: delay (seconds that running actions may go on; by default
   * the engine's), message, kind (`graceful` or `now`); all optional. */
  millrace_status (*shut_down)(millrace_context* context, millrace_text request);
  /* Standard output, as it is. */
  millrace_status (*print)(millrace_context* context, millrace_text text);
} millrace_engine;

/* --- The plugin --- */

/* The first three members are the same in every version of the interface, major ones included. */
typedef struct millrace_plugin_description {
  size_t struct_size;
  uint32_t abi_major;  /* MILLRACE_PLUGIN_ABI_MAJOR */
  uint32_t abi_minor;  /* the least that it needs; MILLRACE_PLUGIN_ABI_MINOR if in doubt */
  const char* name;    /* required */
  const char* version; /* NULL: none */
  const char* summary; /* one sentence. NULL: none */

  /* Required. Loop thread, once, before anything runs. Registers extensions, reads and changes the
   * configuration, puts work off. Any status but MILLRACE_OK disables the plugin: nothing of it is
   * registered, unload is not called. */
  millrace_status (*load)(millrace_context* context);

  /* Optional. Loop thread, after the last instance was destroyed. The plugin stays in memory. */
  void (*unload)(void);
} millrace_plugin_description;

/* The one symbol that a plugin defines. */
extern MILLRACE_PLUGIN_EXPORT const millrace_plugin_description millrace_plugin;

#ifdef __cplusplus
}
#endif
#endif
