// SPDX-License-Identifier: Apache-2.0
//! Replay and verify over HTTP: server-sent events with progress, findings and at last the result.
//! One at a time. A client that goes away ends its proof.
//! Shape:  findings told are bounded (findings_told_max), those beyond are counted; progress comes at
//!         most five times a second. So a stream's memory is bounded however slowly it is read.
//! Thread: the I/O thread; proofs run on their own worker. The I/O thread pauses for each part of the
//!         views while its bytes are written; the longest pause is told in the result.
#pragma once

#include "adapters/api/call.hpp"
#include "domain/operations/operations.gen.hpp"

#include <cstdint>
#include <memory>

namespace fasti::api {

inline constexpr std::uint64_t findings_told_max = 1'000;

class proof_routes {
public:
    explicit proof_routes(api_context& context);
    ~proof_routes();
    proof_routes(const proof_routes&) = delete;
    proof_routes& operator=(const proof_routes&) = delete;

    void handle(const call& asked, query<operations::replay_params>);
    void handle(const call& asked, query<operations::rebuild_views_params>);
    void handle(const call& asked, query<operations::verify_params>);
    //! Ends what runs soon; its client is told. Thread: I/O, or any when that has ended.
    void stop();

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace fasti::api
