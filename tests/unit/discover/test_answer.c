/* SPDX-License-Identifier: MIT */
/* What devices answer: what is taken of it, and what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "discover/answer.h"
#include "discover/xml.h"

#define SOAP "http://www.w3.org/2003/05/soap-envelope"
#define OPEN                                                                                                 \
    "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"" SOAP "\" xmlns:d=\"" ANSWER_DEVICE                       \
    "\" xmlns:m=\"" ANSWER_MEDIA "\" xmlns:n=\"" ANSWER_MEDIA2 "\" xmlns:t=\"" ANSWER_SCHEMA "\"><e:Body>"
#define CLOSE "</e:Body></e:Envelope>"

static struct answer_profile profiles[ANSWER_PROFILES_MAX];

static int identity(const char *text, struct answer_identity *out, struct answer_reason *reason)
{
    return answer_identity(text, strlen(text), out, reason);
}

static int identity_of(const char *text)
{
    struct answer_identity ignored;

    return identity(text, &ignored, NULL);
}

static void texts_are_bounded_and_without_controls(void **state)
{
    struct answer_identity is;
    static char text[4096], name[2048];

    (void)state;
    assert_int_equal(
        identity(OPEN
                 "<d:GetDeviceInformationResponse><d:Manufacturer>\n  Ac&#x9;me &amp; <![CDATA[<Co>]]>\r\n"
                 "</d:Manufacturer><d:Model>a&#x85;b</d:Model></d:GetDeviceInformationResponse>" CLOSE,
                 &is, NULL),
        0);
    assert_string_equal(is.manufacturer, "Ac me & <Co>");
    assert_string_equal(is.model, "a  b");
    assert_string_equal(is.firmware, "");
    memset(name, 'x', sizeof(name) - 1);
    memcpy(name + ANSWER_TEXT_SIZE - 2, "\xc3\xa4", 2); /* a character that does not fit as a whole */
    snprintf(text, sizeof(text),
             OPEN "<d:GetDeviceInformationResponse><d:Manufacturer>%s</d:Manufacturer></"
                  "d:GetDeviceInformationResponse>" CLOSE,
             name);
    assert_int_equal(identity(text, &is, NULL), 0);
    assert_int_equal(strlen(is.manufacturer), ANSWER_TEXT_SIZE - 2);
}

static void hostile_documents_are_none(void **state)
{
    static const char inside[] = "<d:GetDeviceInformationResponse/>";
    static const char *const documents[] = {
        "",
        "no XML at all",
        "<",
        "<html><body>Not here</body></html>",
        OPEN "<d:GetDeviceInformationResponse>",
        OPEN CLOSE,
        OPEN "<d:GetProfilesResponse/>" CLOSE,
        OPEN "<m:GetDeviceInformationResponse/>" CLOSE,
        OPEN "<GetDeviceInformationResponse/>" CLOSE,
        "<e:Envelope xmlns:e=\"http://example.org/\"><e:Body/></e:Envelope>",
        "<Envelope><Body><GetDeviceInformationResponse/></Body></Envelope>",
        "<?xml version=\"1.0\"?><!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
        "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"cccc\"><!ENTITY d \"&b;&b;&b;&b;\">]><e:Envelope "
        "xmlns:e=\"" SOAP "\"><e:Body><d:GetDeviceInformationResponse xmlns:d=\"" ANSWER_DEVICE
        "\">&d;</d:GetDeviceInformationResponse></e:Body></e:Envelope>",
        OPEN "<d:GetDeviceInformationResponse>&undefined;</d:GetDeviceInformationResponse>" CLOSE,
        OPEN "<d:GetDeviceInformationResponse>\x01</d:GetDeviceInformationResponse>" CLOSE,
    };
    static char deep[1 << 17], large[XML_BYTES_MAX + 64];
    struct answer_identity ignored;
    size_t used = 0;

    (void)state;
    assert_int_equal(identity_of(OPEN "<d:GetDeviceInformationResponse/>" CLOSE), 0);
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        if (identity_of(documents[i]) != -EBADMSG) {
            fail_msg("taken: %s", documents[i]);
        }
    }
    used = (size_t)snprintf(deep, sizeof(deep), "%s", OPEN);
    for (size_t i = 0; i < 20000; i++) {
        used += (size_t)snprintf(deep + used, sizeof(deep) - used, "<a>");
    }
    assert_int_equal(identity_of(deep), -EBADMSG);
    used = (size_t)snprintf(large, sizeof(large), "%s%s%s", OPEN, inside, CLOSE);
    memset(large + used, ' ', sizeof(large) - used);
    assert_int_equal(answer_identity(large, XML_BYTES_MAX, &ignored, NULL), 0);
    assert_int_equal(answer_identity(large, sizeof(large), &ignored, NULL), -EBADMSG);
}

static void faults_say_why(void **state)
{
    struct answer_identity is;
    struct answer_reason reason;

    (void)state;
    assert_int_equal(identity(OPEN "<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value "
                                   "xmlns:q=\"x\">q:NotAuthorized</e:Value>"
                                   "</e:Subcode></e:Code><e:Reason><e:Text>Sender not "
                                   "authorized</e:Text></e:Reason></e:Fault>" CLOSE,
                              &is, &reason),
                     -EACCES);
    assert_string_equal(reason.text, "Sender not authorized");
    assert_int_equal(identity("<e:Envelope "
                              "xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/"
                              "\"><e:Body><e:Fault><faultcode>wsse:FailedAuthentication"
                              "</faultcode><faultstring>no</faultstring></e:Fault></e:Body></e:Envelope>",
                              &is, &reason),
                     -EACCES);
    assert_string_equal(reason.text, "no");
    assert_int_equal(identity(OPEN "<e:Fault/>" CLOSE, &is, &reason), -EPROTO);
    assert_string_equal(reason.text, "");
}

static void times_are_dates_or_none(void **state)
{
    static const char form[] =
        OPEN "<d:GetSystemDateAndTimeResponse><d:SystemDateAndTime><t:UTCDateTime><t:Time><t:Hour>%s</"
             "t:Hour><t:Minute>37"
             "</t:Minute><t:Second>12</t:Second></t:Time><t:Date><t:Year>%s</t:Year><t:Month>9</"
             "t:Month><t:Day>16</t:Day></t:Date>"
             "</t:UTCDateTime></d:SystemDateAndTime></d:GetSystemDateAndTimeResponse>" CLOSE;
    static const char *const bad[][2] = {{"24", "2010"},
                                         {"-1", "2010"},
                                         {"7", "10000"},
                                         {"7", "1969"},
                                         {"", "2010"},
                                         {"7x", "2010"},
                                         {"99999999999999999999", "2010"}};
    char text[2048];
    int64_t seconds = 0;

    (void)state;
    snprintf(text, sizeof(text), form, "7", "2010");
    assert_int_equal(answer_time(text, strlen(text), &seconds, NULL), 0);
    assert_int_equal(seconds, 1284622632);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), form, bad[i][0], bad[i][1]);
        assert_int_equal(answer_time(text, strlen(text), &seconds, NULL), -ENODATA);
    }
}

static void profiles_of_both_services_are_the_same(void **state)
{
    static const char first[] =
        OPEN "<m:GetProfilesResponse><m:Profiles "
             "token=\"p1\"><t:Name>main</t:Name><t:VideoSourceConfiguration><t:SourceToken>s</t:SourceToken>"
             "</t:VideoSourceConfiguration><t:VideoEncoderConfiguration><t:Encoding>H264</"
             "t:Encoding><t:Resolution><t:Width>640</t:Width><t:Height>360"
             "</t:Height></t:Resolution><t:RateControl><t:FrameRateLimit>25.0</"
             "t:FrameRateLimit><t:BitrateLimit>512</t:BitrateLimit></t:RateControl>"
             "<t:H264><t:GovLength>50</t:GovLength></t:H264></t:VideoEncoderConfiguration></m:Profiles>"
             "<m:Profiles "
             "token=\"\"><t:VideoEncoderConfiguration><t:Encoding>H264</t:Encoding></"
             "t:VideoEncoderConfiguration></m:Profiles>"
             "<m:Profiles token=\"sound\"/></m:GetProfilesResponse>" CLOSE;
    static const char second[] = OPEN
        "<n:GetProfilesResponse><n:Profiles "
        "token=\"p1\"><n:Name>main</n:Name><n:Configurations><n:VideoSource><t:SourceToken>s</t:SourceToken>"
        "</n:VideoSource><n:VideoEncoder "
        "GovLength=\"50\"><t:Encoding>H264</t:Encoding><t:Resolution><t:Width>640</t:Width><t:Height>360</"
        "t:Height>"
        "</t:Resolution><t:RateControl><t:FrameRateLimit>25</t:FrameRateLimit><t:BitrateLimit>512</"
        "t:BitrateLimit></t:RateControl></n:VideoEncoder>"
        "</n:Configurations></n:Profiles></n:GetProfilesResponse>" CLOSE;
    struct answer_profile one;
    size_t count = 0;

    (void)state;
    assert_int_equal(answer_profiles(first, strlen(first), ANSWER_MEDIA, profiles, &count, NULL), 0);
    assert_int_equal(count, 1);
    one = profiles[0];
    assert_string_equal(one.token, "p1");
    assert_string_equal(one.source, "s");
    assert_int_equal(one.width, 640);
    assert_int_equal(one.fps, 25);
    assert_int_equal(one.gop, 50);
    assert_int_equal(answer_profiles(second, strlen(second), ANSWER_MEDIA2, profiles, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_memory_equal(&one, &profiles[0], sizeof(one));
    assert_int_equal(answer_profiles(second, strlen(second), ANSWER_MEDIA, profiles, &count, NULL), -EBADMSG);
}

static void more_profiles_than_any_device_has_are_cut(void **state)
{
    static char text[1 << 17];
    size_t used = (size_t)snprintf(text, sizeof(text), "%s<m:GetProfilesResponse>", OPEN), count = 0;

    (void)state;
    for (size_t i = 0; i < 2 * ANSWER_PROFILES_MAX; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "<m:Profiles "
                                 "token=\"%zu\"><t:VideoEncoderConfiguration><t:Encoding>H264</"
                                 "t:Encoding><t:Resolution><t:Width>99999999999"
                                 "</t:Width></t:Resolution></t:VideoEncoderConfiguration></m:Profiles>",
                                 i);
    }
    used += (size_t)snprintf(text + used, sizeof(text) - used, "</m:GetProfilesResponse>%s", CLOSE);
    assert_int_equal(answer_profiles(text, used, ANSWER_MEDIA, profiles, &count, NULL), 0);
    assert_int_equal(count, ANSWER_PROFILES_MAX);
    assert_int_equal(profiles[0].width, 0);
}

static void services_are_found_in_new_and_old_answers(void **state)
{
    static const char new_form[] = OPEN
        "<d:GetServicesResponse><d:Service><d:Namespace>" ANSWER_MEDIA
        "</d:Namespace><d:XAddr>http://a/m</d:XAddr></d:Service>"
        "<d:Service><d:Namespace>" ANSWER_MEDIA2 "</d:Namespace><d:XAddr>http://a/m2</d:XAddr></d:Service>"
        "<d:Service><d:Namespace>http://example.org/else</d:Namespace><d:XAddr>http://a/x</d:XAddr></"
        "d:Service></d:GetServicesResponse>" CLOSE;
    static const char old_form[] =
        OPEN "<d:GetCapabilitiesResponse><d:Capabilities><t:Media><t:XAddr> http://a/m </t:XAddr></t:Media>"
             "</d:Capabilities></d:GetCapabilitiesResponse>" CLOSE;
    struct answer_services services;

    (void)state;
    assert_int_equal(answer_services(new_form, strlen(new_form), &services, NULL), 0);
    assert_string_equal(services.media, "http://a/m");
    assert_string_equal(services.media2, "http://a/m2");
    assert_int_equal(answer_services(old_form, strlen(old_form), &services, NULL), 0);
    assert_string_equal(services.media, "http://a/m");
    assert_string_equal(services.media2, "");
}

static void matches_have_addresses(void **state)
{
    static const char form[] =
        "<s:Envelope xmlns:s=\"" SOAP "\" xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\" "
        "xmlns:a=\"x\"><s:Body><d:ProbeMatches>"
        "<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:1</a:Address></a:EndpointReference>"
        "<d:Scopes>onvif://www.onvif.org/name/Front%%20Door%%0A "
        "onvif://www.onvif.org/hardware/Dome</d:Scopes><d:XAddrs>%s</d:XAddrs></d:ProbeMatch>"
        "</d:ProbeMatches></s:Body></s:Envelope>";
    struct answer_match matches[ANSWER_MATCHES_MAX];
    size_t count = 0;
    char text[2048];

    (void)state;
    snprintf(text, sizeof(text), form,
             "http://[fe80::1]/o file:///x http://192.0.2.7/onvif/device_service\nhttps://192.0.2.7/o");
    assert_int_equal(answer_matches(text, strlen(text), matches, &count), 0);
    assert_int_equal(count, 1);
    assert_string_equal(matches[0].endpoint, "urn:uuid:1");
    assert_string_equal(matches[0].name, "Front Door ");
    assert_string_equal(matches[0].hardware, "Dome");
    assert_int_equal(matches[0].url_count, 3);
    assert_string_equal(matches[0].urls[1], "http://192.0.2.7/onvif/device_service");
    snprintf(text, sizeof(text), form, "ftp://192.0.2.7/");
    assert_int_equal(answer_matches(text, strlen(text), matches, &count), 0);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_bounded_and_without_controls),
        cmocka_unit_test(hostile_documents_are_none),
        cmocka_unit_test(faults_say_why),
        cmocka_unit_test(times_are_dates_or_none),
        cmocka_unit_test(profiles_of_both_services_are_the_same),
        cmocka_unit_test(more_profiles_than_any_device_has_are_cut),
        cmocka_unit_test(services_are_found_in_new_and_old_answers),
        cmocka_unit_test(matches_have_addresses),
    };

    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
