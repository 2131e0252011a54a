# SPDX-License-Identifier: Apache-2.0
# What spans modules: support, contract, golden, sim, fuzz, integration, e2e and bench. Tests of one module
# stand in its fasti_module() call. Paths are from the root, as there.

fasti_test(NAME cli_test SCRIPT tests/e2e/cli_test.py)
fasti_test(NAME docs_test SCRIPT tests/e2e/docs_test.py)
fasti_test(NAME debian_index_test SCRIPT tests/e2e/debian_index_test.py TIMEOUT 900)
fasti_test(NAME crash_images_test SCRIPT tests/e2e/crash_images_test.py TIMEOUT 600)
fasti_test(NAME codegen_test SCRIPT ops/codegen/gen_test.py LABEL check)
fasti_test(NAME openapi_test SCRIPT ops/codegen/openapi_test.py LABEL check)

# The real binary from outside.
fasti_test(NAME bad_input_test SCRIPT tests/e2e/bad_input_test.py)
fasti_test(NAME deny_by_default_test SCRIPT tests/e2e/deny_by_default_test.py)
fasti_test(NAME dense_order_test SCRIPT tests/e2e/dense_order_test.py)
fasti_test(NAME events_test SCRIPT tests/e2e/events_test.py)
fasti_test(NAME happened_once_test SCRIPT tests/e2e/happened_once_test.py)
fasti_test(NAME kill9_test SCRIPT tests/e2e/kill9_test.py SERIAL)
fasti_test(NAME store_faults_test SCRIPT tests/e2e/store_faults_test.py)
fasti_test(NAME server_test SCRIPT tests/e2e/server_test.py)
fasti_test(NAME proof_test SCRIPT tests/e2e/proof_test.py TIMEOUT 300)
fasti_test(NAME slow_work_test SCRIPT tests/e2e/slow_work_test.py)
fasti_test(NAME bounded_test SCRIPT tests/e2e/bounded_test.py SERIAL)
fasti_test(NAME soak_test SCRIPT tests/e2e/soak_test.py)

# Histories of the real binary, judged by Porcupine; and servers broken on purpose, which it must reject.
if(FASTI_TESTS AND NOT FASTI_FUZZ)
  fasti_executable(NAME fasti_stale_reads
    SOURCES adapters/daemon/main.cpp tests/linear/stale_reads.cpp
    NEEDS adapters/cli adapters/daemon adapters/node adapters/telemetry)
  target_link_options(fasti_stale_reads PRIVATE LINKER:--wrap=_ZN5fasti4node9on_noticeENS_13commit_noticeE)
  fasti_executable(NAME fasti_ignored_conditions
    SOURCES adapters/daemon/main.cpp tests/linear/ignored_conditions.cpp
    NEEDS adapters/api adapters/cli adapters/daemon adapters/telemetry)
  target_link_options(fasti_ignored_conditions PRIVATE
    LINKER:--wrap=_ZN5fasti3api20read_command_headersERKNS_4http7requestE)
  fasti_test(NAME linear_test SCRIPT tests/linear/linear_test.py LABEL e2e)
endif()

fasti_test(NAME http_server_test
  SOURCES tests/integration/http_server_test.cpp
  NEEDS adapters/http
  USES asio openssl threads)
fasti_test(NAME http_sockets_test
  SOURCES tests/integration/http_sockets_test.cpp
  NEEDS adapters/http
  USES threads)
fasti_fuzz(NAME fuzz_http
  SOURCES tests/fuzz/fuzz_http.cpp
  NEEDS adapters/http domain/base)
fasti_executable(NAME http_constant
  SOURCES tests/bench/http_constant.cpp
  NEEDS adapters/http)
fasti_module(PATH tests/support
  NEEDS domain/base domain/identity domain/operations domain/registry domain/wire eventstore/port
        commands/leases commands/ports projections/engine)
fasti_test(NAME golden_events_test
  SOURCES tests/golden/events_test.cpp
  NEEDS domain/base domain/wire tests/support)
fasti_fuzz(NAME fuzz_json SOURCES tests/fuzz/fuzz_json.cpp NEEDS domain/base domain/wire)
fasti_fuzz(NAME fuzz_stored SOURCES tests/fuzz/fuzz_stored.cpp NEEDS domain/wire tests/support)
fasti_fuzz(NAME fuzz_query SOURCES tests/fuzz/fuzz_query.cpp NEEDS domain/base domain/wire adapters/http)

fasti_module(PATH tests/sim
  NEEDS domain/base domain/wire eventstore/memory eventstore/port commands/access commands/ports commands/pipeline
        adapters/node projections/engine tests/support)
fasti_module(PATH tests/api
  NEEDS domain/base domain/identity domain/registry eventstore/memory eventstore/port commands/access commands/ports
        adapters/api adapters/crypto adapters/http adapters/node adapters/telemetry tests/sim tests/support
  USES gtest)

# The yardsticks of ops/dev bench, and a run of one iteration so that they do not rot.
if(FASTI_TESTS AND NOT FASTI_FUZZ)
  fasti_executable(NAME fasti_load
    SOURCES tests/bench/load.cpp tests/bench/load_options.cpp tests/bench/process_cpu.cpp tests/bench/requests.cpp
            tests/bench/stream_load.cpp)
  fasti_executable(NAME fasti_bare_server SOURCES tests/bench/bare_server.cpp USES threads)
  fasti_executable(NAME fasti_raw_limits SOURCES tests/bench/raw_limits.cpp)
  fasti_executable(NAME parts_bench SOURCES tests/bench/parts_bench.cpp
    NEEDS domain/registry domain/wire eventstore/port)
  fasti_executable(NAME views_bench SOURCES tests/bench/views_bench.cpp
    NEEDS domain/base domain/registry domain/wire eventstore/memory eventstore/port projections/engine
          projections/views)
  fasti_executable(NAME fasti_make_log SOURCES tests/bench/make_log.cpp
    NEEDS domain/base domain/wire eventstore/port eventstore/segments)
  fasti_executable(NAME pipeline_bench SOURCES tests/bench/pipeline_bench.cpp
    NEEDS domain/wire eventstore/port commands/pipeline adapters/clock adapters/crypto adapters/node
    USES boost)
  fasti_executable(NAME ledger_bench SOURCES tests/bench/ledger_bench.cpp
    NEEDS eventstore/port eventstore/segments)
  if(NOT FASTI_SANITIZE)  # what runs in process has the server's allocator
    foreach(bench parts_bench views_bench pipeline_bench ledger_bench)
      fasti_use(${bench} PRIVATE mimalloc)
    endforeach()
  endif()
  fasti_test(NAME bench_smoke SCRIPT tests/bench/run.py ARGS --smoke)
  fasti_test(NAME flame_test SCRIPT tests/bench/flame_test.py LABEL check)
  fasti_test(NAME regress_test SCRIPT tests/bench/regress_test.py LABEL check)
endif()

fasti_fuzz(NAME fuzz_config SOURCES tests/fuzz/fuzz_config.cpp NEEDS adapters/config)

fasti_fuzz(NAME fuzz_views
  SOURCES tests/fuzz/fuzz_views.cpp
  NEEDS domain/base projections/engine)
fasti_fuzz(NAME fuzz_query_filters
  SOURCES tests/fuzz/fuzz_query_filters.cpp
  NEEDS domain/base domain/wire eventstore/memory eventstore/port projections/engine projections/queries tests/support)

fasti_module(PATH tests/support/disk
  NEEDS domain/base eventstore/port eventstore/memory eventstore/segments tests/support
  SOURCES crash_image.cpp log_world.cpp sim_disk.cpp)
fasti_test(NAME ledger_contract_test
  SOURCES tests/contract/ledger_contract_test.cpp tests/contract/ledger_contract.cpp
          tests/contract/ledger_model.cpp
  NEEDS eventstore/port eventstore/memory eventstore/segments tests/support tests/support/disk)
fasti_test(NAME segments_crash_test
  SOURCES tests/contract/segments_crash_test.cpp
  NEEDS eventstore/segments tests/support/disk)
fasti_test(NAME segments_damage_test TIMEOUT 900
  SOURCES tests/contract/segments_damage_test.cpp
  NEEDS domain/base eventstore/port eventstore/segments tests/support tests/support/disk)
fasti_test(NAME eventstore_segments_test
  SOURCES tests/unit/eventstore_segments_test.cpp
  NEEDS domain/base eventstore/port eventstore/segments tests/support/disk
  USES threads)
fasti_test(NAME eventstore_segments_calls_test
  SOURCES tests/unit/eventstore_segments_calls_test.cpp
  NEEDS eventstore/segments tests/support/disk)
fasti_test(NAME eventstore_segments_damage_test
  SOURCES tests/unit/eventstore_segments_damage_test.cpp
  NEEDS domain/base eventstore/port eventstore/segments tests/support/disk)
fasti_test(NAME eventstore_segments_named_damage_test
  SOURCES tests/unit/eventstore_segments_named_damage_test.cpp
  NEEDS domain/base eventstore/port eventstore/segments tests/support/disk)
fasti_test(NAME eventstore_segments_verify_test
  SOURCES tests/unit/eventstore_segments_verify_test.cpp
  NEEDS domain/base eventstore/port eventstore/segments tests/support/disk)
fasti_test(NAME eventstore_segments_format_test
  SOURCES tests/unit/eventstore_segments_format_test.cpp
  NEEDS domain/base eventstore/port eventstore/segments tests/support/disk)
fasti_test(NAME eventstore_segments_posix_test
  SOURCES tests/unit/eventstore_segments_posix_test.cpp
  NEEDS domain/base eventstore/segments
  USES threads)
fasti_test(NAME segments_recording_test
  SOURCES tests/contract/segments_recording_test.cpp
  NEEDS eventstore/segments tests/support/disk)
if(FASTI_TESTS AND NOT FASTI_FUZZ)
  fasti_executable(NAME fasti_crash_image
    SOURCES tests/support/disk/crash_image_tool.cpp
    NEEDS tests/support/disk)
endif()
fasti_fuzz(NAME fuzz_segments
  SOURCES tests/fuzz/fuzz_segments.cpp
  NEEDS domain/base eventstore/port eventstore/segments tests/support/disk)
fasti_fuzz(NAME fuzz_record SOURCES tests/fuzz/fuzz_record.cpp NEEDS domain/base eventstore/port)

# The simulation; ops/dev sim runs the executable.
fasti_module(PATH tests/sim/core
  NEEDS domain/base domain/identity domain/registry domain/wire eventstore/port eventstore/segments
        commands/access commands/ports commands/pipeline projections/engine projections/views adapters/node
        tests/support tests/support/disk
  SOURCES folds.cpp followers.cpp judge.cpp lease_book.cpp operations.cpp planted.cpp restarts.cpp scheduler.cpp
          server.cpp)
fasti_executable(NAME fasti_sim SOURCES tests/sim/core/main.cpp NEEDS tests/sim/core)
fasti_test(NAME simulation_test TIMEOUT 900 SOURCES tests/sim/core/simulation_test.cpp NEEDS tests/sim/core)
fasti_test(NAME planted_faults_test TIMEOUT 900 SOURCES tests/sim/core/planted_faults_test.cpp NEEDS tests/sim/core)
fasti_test(NAME golden_segments_test
  SOURCES tests/golden/segments_test.cpp
  NEEDS domain/base eventstore/port eventstore/segments tests/support/disk)
