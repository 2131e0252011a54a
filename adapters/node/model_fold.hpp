// SPDX-License-Identifier: Apache-2.0
//! The write model as one more fold, so that one pass over the log and one snapshot serve both.
#pragma once

#include "commands/pipeline/write_model.hpp"
#include "projections/engine/fold.hpp"
#include "projections/views/declared.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace fasti {

class model_fold final : public extra_fold {
public:
    std::string_view name() const override { return "write_model"; }
    //! Of the events of every context, with their revisions, as a view's is.
    std::uint64_t fingerprint() const override {
        return declared_fingerprint<registry::event>(
            name(), declared_fingerprint<identity::event>(name(), code_revision));
    }
    result<void> fold(const recorded_event& event) override { return model_->fold(event); }
    void look_ahead(std::span<const recorded_event> run, std::size_t at) override {
        model_->look_ahead(run, at);
    }
    void write_snapshot(std::string& out) const override { model_->write_snapshot(out); }
    bool read_snapshot(std::string_view bytes) override { return model_->read_snapshot(bytes); }
    void clear() override { model_ = std::make_unique<write_model>(); }

    //! Gives the model away; the fold is then over.
    std::unique_ptr<write_model> take() { return std::move(model_); }

private:
    //! Hand-bumped when the model's bytes, or what the same events mean for it, change.
    static constexpr std::uint64_t code_revision = 1;

    std::unique_ptr<write_model> model_ = std::make_unique<write_model>();
};

} // namespace fasti
