// SPDX-License-Identifier: Apache-2.0
/* Named patterns `mac_address` and `ipv4_address`, in plain C. */
#include <millrace/plugin.h>

static const millrace_pattern patterns[] = {
    {sizeof(millrace_pattern), "mac_address", "(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}",
     "The address of a network card."},
    {sizeof(millrace_pattern), "ipv4_address",
     "(?:(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)\\.){3}(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)",
     "An address of IP version 4."},
};

static millrace_status load(millrace_context* context) {
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; ++i) {
    millrace_status status = context->engine->add_pattern(context, &patterns[i]);
    if (status != MILLRACE_OK) return status;
  }
  return MILLRACE_OK;
}

const millrace_plugin_description millrace_plugin = {
    .struct_size = sizeof millrace_plugin,
    .abi_major = MILLRACE_PLUGIN_ABI_MAJOR,
    .abi_minor = 0,
    .name = "addresses",
    .version = "1.0",
    .summary = "Patterns of addresses.",
    .load = load,
};
