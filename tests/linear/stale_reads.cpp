// SPDX-License-Identifier: Apache-2.0
//! A server broken on purpose: the answers of a commit leave before the views hold it, which they do
//! one commit later. tests/linear/linear_test.py must find that out.
//! Shape: the linker puts this in the place of node::on_notice (--wrap in tests/tests.cmake).
#include "adapters/node/node.hpp"

#include <memory>
#include <utility>

namespace fasti {

void in_time(node* self,
             commit_notice notice) asm("__real__ZN5fasti4node9on_noticeENS_13commit_noticeE");
void too_late(node* self,
              commit_notice notice) asm("__wrap__ZN5fasti4node9on_noticeENS_13commit_noticeE");

void too_late(node* self, commit_notice notice) {
    static decltype(notice.batch) held;
    commit_notice before;
    before.batch = std::exchange(held, std::move(notice.batch));
    commit_notice answers;
    answers.answers = std::move(notice.answers);
    if (before.batch != nullptr) {
        in_time(self, std::move(before));
    }
    in_time(self, std::move(answers));
}

} // namespace fasti
