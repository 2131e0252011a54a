// SPDX-License-Identifier: Apache-2.0
//! The program: the command line, with the server behind `fasti serve`.
#include "adapters/cli/cli.hpp"
#include "adapters/daemon/notify.hpp"
#include "adapters/daemon/serve.hpp"
#include "adapters/telemetry/log.hpp"

#include <cstdlib>
#include <iostream>
#include <utility>

namespace {

using namespace fasti;

result<void> serve_process(loaded_config settings, std::function<result<loaded_config>()> reload) {
    const char* const manager = std::getenv("NOTIFY_SOCKET"); // NOLINT: one thread yet
    const std::string notify_socket = manager == nullptr ? "" : manager;
    telemetry::logger log{
        telemetry::log_options_for(settings.values.log.level, settings.values.log.format)};
    serve_hooks told;
    told.version = FASTI_VERSION;
    told.reload = std::move(reload);
    told.announce = [](const std::string& for_people) { std::cout << for_people << std::flush; };
    told.notify = [&notify_socket](const std::string& state) {
        notify_service_manager(notify_socket, state);
    };
    const char* const record = std::getenv("FASTI_RECORD_FILES"); // NOLINT: one thread yet
    told.record_files = record == nullptr ? "" : record;
    return serve(std::move(settings), log, told);
}

} // namespace

int main(int argc, char** argv) {
    return fasti::run_cli(argc, argv, {FASTI_VERSION, serve_process, log_folder, snapshot_folder});
}
