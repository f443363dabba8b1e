/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/owner/claim.h"
#include "relay/owner/times.h"

/* This node is 1, with incarnation 10; the other one is 2, with incarnation 20. */
#define ME 1
#define OTHER 2

static struct claim_context context_at(uint64_t now)
{
    return (struct claim_context){.now_ms = now,
                                  .me = ME,
                                  .incarnation = 10,
                                  .held = true,
                                  .wanted = true,
                                  .well = true,
                                  .target = CLAIM_NOBODY};
}

static struct claim_entry entry_of(uint32_t node)
{
    return (struct claim_entry){.node = node, .incarnation = 10 * (uint64_t)node, .next = CLAIM_NOBODY};
}

static struct claim_action does(struct claim *claim, const struct claim_context *context,
                                enum claim_kind kind)
{
    struct claim_action action;

    assert_int_equal(claim_step(claim, context, &action), kind);
    assert_int_equal(action.kind, kind);
    return action;
}

static void rests_in(struct claim *claim, const struct claim_context *context, enum claim_state state)
{
    does(claim, context, CLAIM_NOTHING);
    assert_string_equal(claim_state_name(claim->state), claim_state_name(state));
}

/* This node's since revision 5, and fetched. */
static struct claim owned(const struct claim_context *context)
{
    struct claim claim;
    struct claim_entry mine = entry_of(ME);

    claim_init(&claim);
    claim_seen(&claim, &mine, 5);
    assert_int_equal(does(&claim, context, CLAIM_FETCH).fence, 5);
    rests_in(&claim, context, CLAIM_OWNED);
    return claim;
}

static void is_taken_when_it_is_its_turn(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim;

    (void)state;
    claim_init(&claim);
    rests_in(&claim, &context, CLAIM_FREE);
    context.take = true;
    struct claim_action write = does(&claim, &context, CLAIM_WRITE);
    assert_int_equal(write.expected, 0);
    assert_int_equal(write.entry.node, ME);
    assert_int_equal(write.entry.incarnation, 10);
    rests_in(&claim, &context, CLAIM_TAKING);
    assert_true(claim_written(&claim, write.ticket, CLAIM_WON, 7));
    assert_int_equal(does(&claim, &context, CLAIM_FETCH).fence, 7);
    rests_in(&claim, &context, CLAIM_OWNED);
    /* The watch says the same. */
    assert_false(claim_seen(&claim, &write.entry, 7));
}

static void is_not_taken_without_a_lease(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim;

    (void)state;
    claim_init(&claim);
    context.take = true;
    context.held = false;
    rests_in(&claim, &context, CLAIM_FREE);
    context.held = true;
    context.leaving = true;
    rests_in(&claim, &context, CLAIM_FREE);
}

static void the_watch_is_an_answer(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim;

    (void)state;
    claim_init(&claim);
    context.take = true;
    struct claim_action write = does(&claim, &context, CLAIM_WRITE);
    claim_seen(&claim, &write.entry, 7);
    does(&claim, &context, CLAIM_FETCH);
    rests_in(&claim, &context, CLAIM_OWNED);
    assert_false(claim_written(&claim, write.ticket, CLAIM_LOST, 0));
    rests_in(&claim, &context, CLAIM_OWNED);
}

static void a_lost_write_waits_for_what_it_lost_against(void **state)
{
    struct claim_context context = context_at(100);
    struct claim claim;
    struct claim_entry other = entry_of(OTHER);

    (void)state;
    claim_init(&claim);
    context.take = true;
    struct claim_action write = does(&claim, &context, CLAIM_WRITE);
    claim_written(&claim, write.ticket, CLAIM_LOST, 0);
    rests_in(&claim, &context, CLAIM_FREE);
    claim_seen(&claim, &other, 7);
    context.owner_lives = true;
    rests_in(&claim, &context, CLAIM_FOREIGN);
}

static void an_unanswered_write_is_tried_again(void **state)
{
    struct claim_context context = context_at(100);
    struct claim claim;

    (void)state;
    claim_init(&claim);
    context.take = true;
    struct claim_action first = does(&claim, &context, CLAIM_WRITE);
    rests_in(&claim, &context, CLAIM_TAKING);
    assert_int_equal(claim_due_ms(&claim), 100 + WRITE_RETRY_MS);
    context.now_ms = 100 + WRITE_RETRY_MS;
    struct claim_action second = does(&claim, &context, CLAIM_WRITE);
    assert_int_equal(second.expected, first.expected);
    assert_false(claim_written(&claim, first.ticket, CLAIM_LOST, 0));
    assert_true(claim_written(&claim, second.ticket, CLAIM_WON, 3));
}

static void stops_without_a_lease_and_goes_on_with_the_same_fence(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim = owned(&context);

    (void)state;
    context.held = false;
    does(&claim, &context, CLAIM_STOP);
    rests_in(&claim, &context, CLAIM_FENCED);
    assert_false(claim_is_quiet(&claim));
    claim_stopped(&claim);
    assert_true(claim_is_quiet(&claim));
    context.held = true;
    assert_int_equal(does(&claim, &context, CLAIM_FETCH).fence, 5);
}

static void what_is_of_a_former_incarnation_is_not_its_own(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim = owned(&context);

    (void)state;
    context.incarnation = 11;
    does(&claim, &context, CLAIM_STOP);
    context.take = true;
    rests_in(&claim, &context, CLAIM_FREE); /* not before it has stopped */
    claim_stopped(&claim);
    struct claim_action write = does(&claim, &context, CLAIM_WRITE);
    assert_int_equal(write.expected, 5);
    assert_int_equal(write.entry.incarnation, 11);
    claim_written(&claim, write.ticket, CLAIM_WON, 9);
    assert_int_equal(does(&claim, &context, CLAIM_FETCH).fence, 9);
}

static void is_offered_and_given_when_the_other_is_ready(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim = owned(&context);

    (void)state;
    context.target = OTHER;
    context.target_incarnation = 20;
    struct claim_action offer = does(&claim, &context, CLAIM_WRITE);
    assert_int_equal(offer.entry.node, ME);
    assert_int_equal(offer.entry.fence, 5);
    assert_int_equal(offer.entry.next, OTHER);
    context.next_lives = true;
    claim_written(&claim, offer.ticket, CLAIM_WON, 6);
    rests_in(&claim, &context, CLAIM_OFFERED);
    assert_int_equal(claim.fence, 5); /* it goes on */
    offer.entry.ready = true;
    claim_seen(&claim, &offer.entry, 8);
    does(&claim, &context, CLAIM_STOP);
    rests_in(&claim, &context, CLAIM_GIVING); /* nothing is written before it has stopped */
    claim_stopped(&claim);
    struct claim_action gift = does(&claim, &context, CLAIM_WRITE);
    assert_int_equal(gift.expected, 8);
    assert_int_equal(gift.entry.node, OTHER);
    assert_int_equal(gift.entry.incarnation, 20);
    assert_int_equal(gift.entry.fence, 0);
    claim_written(&claim, gift.ticket, CLAIM_WON, 9);
    context.target = CLAIM_NOBODY;
    context.owner_lives = true;
    rests_in(&claim, &context, CLAIM_FOREIGN);
    assert_int_equal(claim.entry.fence, 9);
}

static void is_prepared_and_taken_over(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim;
    struct claim_entry entry = entry_of(OTHER);

    (void)state;
    claim_init(&claim);
    entry.next = ME;
    entry.next_incarnation = 10;
    entry.fence = 4;
    claim_seen(&claim, &entry, 5);
    context.owner_lives = true;
    does(&claim, &context, CLAIM_PREPARE);
    rests_in(&claim, &context, CLAIM_PREPARING);
    claim_ready(&claim);
    struct claim_action ready = does(&claim, &context, CLAIM_WRITE);
    assert_int_equal(ready.entry.node, OTHER);
    assert_int_equal(ready.entry.fence, 4);
    assert_true(ready.entry.ready);
    claim_written(&claim, ready.ticket, CLAIM_WON, 6);
    rests_in(&claim, &context, CLAIM_PREPARING);
    entry = entry_of(ME);
    claim_seen(&claim, &entry, 7);
    assert_int_equal(does(&claim, &context, CLAIM_FETCH).fence, 7); /* without a stop */
    rests_in(&claim, &context, CLAIM_OWNED);
}

static void goes_on_preparing_when_the_owner_dies(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim;
    struct claim_entry entry = entry_of(OTHER);

    (void)state;
    claim_init(&claim);
    entry.next = ME;
    entry.next_incarnation = 10;
    claim_seen(&claim, &entry, 5);
    context.owner_lives = true;
    does(&claim, &context, CLAIM_PREPARE);
    context.owner_lives = false;
    context.take = true;
    struct claim_action take = does(&claim, &context, CLAIM_WRITE);
    claim_written(&claim, take.ticket, CLAIM_WON, 6);
    does(&claim, &context, CLAIM_FETCH);
}

static void a_withdrawn_offer_ends_the_preparation(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim;
    struct claim_entry entry = entry_of(OTHER);

    (void)state;
    claim_init(&claim);
    entry.next = ME;
    entry.next_incarnation = 10;
    claim_seen(&claim, &entry, 5);
    context.owner_lives = true;
    does(&claim, &context, CLAIM_PREPARE);
    entry = entry_of(OTHER);
    claim_seen(&claim, &entry, 6);
    does(&claim, &context, CLAIM_STOP);
    rests_in(&claim, &context, CLAIM_FOREIGN);
}

static void who_does_not_get_ready_is_not_waited_for(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim = owned(&context);

    (void)state;
    context.target = OTHER;
    context.target_incarnation = 20;
    for (unsigned i = 0; i < OFFERS_MAX; i++) {
        struct claim_action offer = does(&claim, &context, CLAIM_WRITE);
        assert_int_equal(offer.entry.next, OTHER);
        context.next_lives = true;
        claim_written(&claim, offer.ticket, CLAIM_WON, 6 + 2 * i);
        rests_in(&claim, &context, CLAIM_OFFERED);
        assert_int_equal(claim_due_ms(&claim), context.now_ms + OFFER_MS);
        context.now_ms += OFFER_MS;
        struct claim_action withdrawal = does(&claim, &context, CLAIM_WRITE);
        assert_int_equal(withdrawal.entry.next, CLAIM_NOBODY);
        assert_int_equal(claim.refused_by, OTHER);
        claim_written(&claim, withdrawal.ticket, CLAIM_WON, 7 + 2 * i);
    }
    /* Then it is given to one that is not ready. */
    does(&claim, &context, CLAIM_STOP);
    claim_stopped(&claim);
    assert_int_equal(does(&claim, &context, CLAIM_WRITE).entry.node, OTHER);
}

static void a_camera_that_is_away_needs_no_preparation(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim = owned(&context);

    (void)state;
    context.target = OTHER;
    context.well = false;
    does(&claim, &context, CLAIM_STOP);
    rests_in(&claim, &context, CLAIM_GIVING);
}

/* C3: the gift may arrive at any time, so nothing is fetched until a newer revision has been seen. */
static void a_gift_is_not_taken_back_by_hope(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim = owned(&context);
    struct claim_entry mine = entry_of(ME);

    (void)state;
    context.target = OTHER;
    context.target_incarnation = 20;
    context.well = false;
    does(&claim, &context, CLAIM_STOP);
    claim_stopped(&claim);
    does(&claim, &context, CLAIM_WRITE);
    context.target = CLAIM_NOBODY; /* the other one has died */
    rests_in(&claim, &context, CLAIM_FENCED);
    context.now_ms += WRITE_RETRY_MS;
    struct claim_action back = does(&claim, &context, CLAIM_WRITE);
    assert_int_equal(back.entry.node, ME);
    assert_int_equal(back.expected, 5);
    rests_in(&claim, &context, CLAIM_FENCED);
    claim_seen(&claim, &mine, 8);
    assert_int_equal(does(&claim, &context, CLAIM_FETCH).fence, 8);
}

static void what_is_not_wanted_is_released(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim = owned(&context);

    (void)state;
    context.wanted = false;
    does(&claim, &context, CLAIM_STOP);
    rests_in(&claim, &context, CLAIM_GIVING);
    claim_stopped(&claim);
    struct claim_action release = does(&claim, &context, CLAIM_WRITE);
    assert_int_equal(release.entry.node, CLAIM_NOBODY);
    claim_written(&claim, release.ticket, CLAIM_WON, 6);
    rests_in(&claim, &context, CLAIM_FREE);
    assert_true(claim_is_quiet(&claim));
}

static void what_is_bound_needs_no_lease(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim = owned(&context);

    (void)state;
    context.sole = true;
    struct claim_action binding = does(&claim, &context, CLAIM_WRITE);
    assert_true(binding.entry.bound);
    assert_int_equal(binding.entry.fence, 5);
    claim_written(&claim, binding.ticket, CLAIM_WON, 6);
    context.held = false;
    rests_in(&claim, &context, CLAIM_OWNED);
    /* It was buried: it goes on, and takes its camera with its new incarnation. */
    context.incarnation = 0;
    rests_in(&claim, &context, CLAIM_OWNED);
    context.incarnation = 11;
    context.held = true;
    struct claim_action again = does(&claim, &context, CLAIM_WRITE);
    assert_int_equal(again.entry.incarnation, 11);
    claim_written(&claim, again.ticket, CLAIM_WON, 12);
    assert_int_equal(does(&claim, &context, CLAIM_FETCH).fence, 12);
}

/* From when it was sent that a camera is not bound any more it may be so. */
static void unbinding_counts_from_its_sending(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim;
    struct claim_entry mine = entry_of(ME);

    (void)state;
    claim_init(&claim);
    mine.bound = true;
    claim_seen(&claim, &mine, 5);
    does(&claim, &context, CLAIM_FETCH);
    assert_true(claim_is_bound(&claim));
    assert_false(does(&claim, &context, CLAIM_WRITE).entry.bound);
    assert_false(claim_is_bound(&claim));
    context.held = false;
    does(&claim, &context, CLAIM_STOP);
}

static void who_leaves_stops(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim = owned(&context);

    (void)state;
    context.leaving = true;
    does(&claim, &context, CLAIM_STOP);
    rests_in(&claim, &context, CLAIM_FENCED);
}

static void revisions_never_go_back(void **state)
{
    struct claim_context context = context_at(0);
    struct claim claim = owned(&context);
    struct claim_entry other = entry_of(OTHER);

    (void)state;
    assert_false(claim_seen(&claim, &other, 4));
    rests_in(&claim, &context, CLAIM_OWNED);
    /* A fence from the future is not one. */
    other.fence = 1000;
    assert_true(claim_seen(&claim, &other, 6));
    assert_int_equal(claim.entry.fence, 6);
    assert_true(claim_seen(&claim, NULL, 7));
    does(&claim, &context, CLAIM_STOP);
    rests_in(&claim, &context, CLAIM_FREE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_taken_when_it_is_its_turn),
        cmocka_unit_test(is_not_taken_without_a_lease),
        cmocka_unit_test(the_watch_is_an_answer),
        cmocka_unit_test(a_lost_write_waits_for_what_it_lost_against),
        cmocka_unit_test(an_unanswered_write_is_tried_again),
        cmocka_unit_test(stops_without_a_lease_and_goes_on_with_the_same_fence),
        cmocka_unit_test(what_is_of_a_former_incarnation_is_not_its_own),
        cmocka_unit_test(is_offered_and_given_when_the_other_is_ready),
        cmocka_unit_test(is_prepared_and_taken_over),
        cmocka_unit_test(goes_on_preparing_when_the_owner_dies),
        cmocka_unit_test(a_withdrawn_offer_ends_the_preparation),
        cmocka_unit_test(who_does_not_get_ready_is_not_waited_for),
        cmocka_unit_test(a_camera_that_is_away_needs_no_preparation),
        cmocka_unit_test(a_gift_is_not_taken_back_by_hope),
        cmocka_unit_test(what_is_not_wanted_is_released),
        cmocka_unit_test(what_is_bound_needs_no_lease),
        cmocka_unit_test(unbinding_counts_from_its_sending),
        cmocka_unit_test(who_leaves_stops),
        cmocka_unit_test(revisions_never_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
